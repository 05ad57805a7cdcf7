package graft.cli.error;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Every error code that graft can print. The one source is the data file {@code errors.catalogue}; {@code graft explain}
 * and the documentation page are made from it.
 */
public final class Catalogue {
    private static final List<String> FIELDS = List.of("exit", "title", "cause", "try");

    private final Map<String, Entry> entries;

    private Catalogue(Map<String, Entry> entries) {
        this.entries = entries;
    }

    /**
     * One code.
     *
     * @param code without the prefix, for example {@code A012}
     * @param title what failed, in general words
     * @param cause why this happens
     * @param remedy what to do next
     */
    public record Entry(String code, ExitCode exit, String title, String cause, String remedy) {
        /** The code as it is printed. */
        public String printed() {
            return "GRAFT-" + code;
        }
    }

    /** The catalogue that ships with graft. */
    public static Catalogue packaged() {
        try (InputStream in = Catalogue.class.getResourceAsStream("errors.catalogue")) {
            return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("reading errors.catalogue", e);
        }
    }

    /** Parses the text form: blocks of a code line and four {@code field: text} lines; {@code #} starts a comment line. */
    static Catalogue parse(String text) {
        Map<String, Entry> entries = new LinkedHashMap<>();
        List<String> block = new ArrayList<>();
        for (String line : (text + "\n\n").lines().toList()) {
            if (!line.isBlank() && !line.startsWith("#")) {
                block.add(line.strip());
            } else if (!block.isEmpty() && line.isBlank()) {
                Entry entry = entry(block);
                if (entries.put(entry.code(), entry) != null) {
                    throw new IllegalArgumentException("error code " + entry.code() + " is defined twice");
                }
                block.clear();
            }
        }
        if (!block.isEmpty()) {
            Entry entry = entry(block);
            entries.put(entry.code(), entry);
        }
        return new Catalogue(entries);
    }

    private static Entry entry(List<String> block) {
        String code = block.getFirst();
        if (!code.matches("[DLVATMPGNUB][0-9]{3}") || block.size() != 1 + FIELDS.size()) {
            throw new IllegalArgumentException("error catalogue: bad block " + block);
        }
        List<String> values = new ArrayList<>();
        for (int i = 0; i < FIELDS.size(); i++) {
            String prefix = FIELDS.get(i) + ": ";
            String line = block.get(i + 1);
            if (!line.startsWith(prefix)) {
                throw new IllegalArgumentException("error catalogue: " + code + " lacks \"" + prefix + "\"");
            }
            values.add(line.substring(prefix.length()));
        }
        ExitCode exit = ExitCode.of(Integer.parseInt(values.getFirst())).orElseThrow();
        return new Entry(code, exit, values.get(1), values.get(2), values.get(3));
    }

    /** All codes, in the file's order. */
    public Collection<Entry> entries() {
        return entries.values();
    }

    /** Looks a code up, with or without the prefix, in any case. */
    public Optional<Entry> find(String code) {
        String bare = code.toUpperCase(Locale.ROOT);
        return Optional.ofNullable(entries.get(bare.startsWith("GRAFT-") ? bare.substring(6) : bare));
    }

    /** The documentation page. */
    public String markdown() {
        StringBuilder page = new StringBuilder("# Error codes\n\nMade from `errors.catalogue`; do not edit.\n");
        for (Entry entry : entries.values()) {
            page.append("\n## ").append(entry.printed()).append(" ").append(entry.title());
            page.append("\n\n").append(entry.cause());
            page.append("\n\nTry: ").append(entry.remedy());
            page.append("\n\nExit status ").append(entry.exit().status()).append(".\n");
        }
        return page.toString();
    }
}
