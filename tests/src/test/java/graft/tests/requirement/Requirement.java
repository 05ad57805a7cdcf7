package graft.tests.requirement;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A line of the table.
 *
 * @param shownBy tests: {@code Class}, {@code Class#method} or {@code tracee:NAME}
 * @param open what no test shows yet
 */
record Requirement(int number, String text, List<String> shownBy, Optional<String> open) {
    private static final String SHOWN_BY = "shown by: ";
    private static final String OPEN = "open: ";

    /** From the text of {@code requirements.txt}. */
    static List<Requirement> parse(String text) {
        List<Requirement> all = new ArrayList<>();
        for (String block : text.replaceAll("(?m)^#.*\n", "").strip().split("\n\n")) {
            String[] lines = block.split("\n");
            int space = lines[0].indexOf(' ');
            all.add(new Requirement(
                    Integer.parseInt(lines[0].substring(0, space)),
                    lines[0].substring(space + 1),
                    after(SHOWN_BY, lines)
                            .map(tests -> List.of(tests.split(" ")))
                            .orElse(List.of()),
                    after(OPEN, lines)));
        }
        return all;
    }

    private static Optional<String> after(String mark, String[] lines) {
        for (String line : lines) {
            if (line.startsWith(mark)) {
                return Optional.of(line.substring(mark.length()));
            }
        }
        return Optional.empty();
    }

    /** {@code holds}, {@code in part} or {@code open}. */
    String result() {
        if (shownBy.isEmpty()) {
            return "open";
        }
        return open.isEmpty() ? "holds" : "holds in part";
    }
}
