package graft.cli.error;

import graft.cli.output.JsonWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One occurrence of an error: what failed on what, why, and what to try. Lines that the occurrence does not know better
 * come from the {@link Catalogue}.
 *
 * @param code without the prefix, present in the catalogue
 * @param headline what failed, on what; empty for the catalogue's title
 * @param why reasons, one a line; empty for the catalogue's cause
 * @param remedies what to do next; empty for the catalogue's remedy
 */
public record Problem(String code, String headline, List<String> why, List<String> remedies) {
    public Problem {
        headline = printable(headline);
        why = why.stream().map(Problem::printable).toList();
        remedies = remedies.stream().map(Problem::printable).toList();
    }

    /** Names come from files and processes that nobody vouches for: they must not steer the terminal. */
    private static String printable(String text) {
        return text.codePoints()
                .mapToObj(c -> Character.isISOControl(c) ? "\\x%02x".formatted(c) : Character.toString(c))
                .collect(Collectors.joining());
    }

    /** An occurrence that knows only what failed. */
    public static Problem of(String code, String headline) {
        return new Problem(code, headline, List.of(), List.of());
    }

    /** The same with a reason added. */
    public Problem because(String reason) {
        List<String> reasons = new ArrayList<>(why);
        reasons.add(reason);
        return new Problem(code, headline, reasons, remedies);
    }

    /** The same with a remedy added. */
    public Problem remedy(String remedy) {
        List<String> added = new ArrayList<>(remedies);
        added.add(remedy);
        return new Problem(code, headline, why, added);
    }

    /** As an exception, for commands to throw. */
    public CommandFailure failure() {
        return new CommandFailure(this);
    }

    /** The exit status of a command that ends with this. */
    public int exitStatus(Catalogue catalogue) {
        return entry(catalogue).exit().status();
    }

    /** The form for people: headline, reasons, remedies, a line each. */
    public String text(Catalogue catalogue) {
        Catalogue.Entry entry = entry(catalogue);
        StringBuilder text = new StringBuilder(entry.printed());
        text.append(' ').append(headline.isEmpty() ? entry.title() : headline);
        (why.isEmpty() ? List.of(entry.cause()) : why)
                .forEach(line -> text.append("\n  ").append(line));
        (remedies.isEmpty() ? List.of(entry.remedy()) : remedies)
                .forEach(line -> text.append("\n  try: ").append(line));
        return text.toString();
    }

    /** The same as one JSON object. */
    public String json(Catalogue catalogue) {
        Catalogue.Entry entry = entry(catalogue);
        JsonWriter json = new JsonWriter();
        json.beginObject().member("type", "error").member("code", entry.printed());
        json.member("exit_status", entry.exit().status());
        json.member("what", headline.isEmpty() ? entry.title() : headline);
        json.name("why").beginArray();
        (why.isEmpty() ? List.of(entry.cause()) : why).forEach(json::value);
        json.endArray().name("try").beginArray();
        (remedies.isEmpty() ? List.of(entry.remedy()) : remedies).forEach(json::value);
        return json.endArray().endObject().toString();
    }

    private Catalogue.Entry entry(Catalogue catalogue) {
        return catalogue.find(code).orElseThrow(() -> new AssertionError("no such error code: " + code));
    }
}
