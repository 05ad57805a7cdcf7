package graft.tests.verdict;

import graft.tests.verdict.Comparison.Difference;
import graft.tests.verdict.Comparison.Row;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Rows as text: counts, then the programs that differ, grouped by reason. */
record Report(List<Row> rows) {
    long count(Difference difference) {
        return rows.stream().filter(row -> row.difference() == difference).count();
    }

    List<Row> only(Difference difference) {
        return rows.stream().filter(row -> row.difference() == difference).toList();
    }

    /** Programs on which both have a verdict. */
    long judged() {
        return rows.size() - count(Difference.UNKNOWN);
    }

    /** Refused here, of those that the kernel accepts, in percent. */
    double strictPercent() {
        long accepted = rows.stream()
                .filter(row -> row.kernel().answer() == KernelVerdict.Answer.ACCEPT)
                .count();
        return accepted == 0 ? 0 : 100.0 * count(Difference.STRICT) / accepted;
    }

    String text() {
        StringBuilder text = new StringBuilder();
        for (Difference difference : Difference.values()) {
            text.append("%-8s %5d%n".formatted(difference, count(difference)));
        }
        text.append("strict   %5.1f %%%n".formatted(strictPercent()));
        groups(text, Difference.UNSOUND);
        groups(text, Difference.STRICT);
        return text.toString();
    }

    private void groups(StringBuilder text, Difference difference) {
        Map<String, List<Row>> groups = only(difference).stream()
                .collect(
                        Collectors.groupingBy(row -> reason(difference, row), LinkedHashMap::new, Collectors.toList()));
        groups.entrySet().stream()
                .sorted(Comparator.comparingInt((Map.Entry<String, List<Row>> group) ->
                        -group.getValue().size()))
                .forEach(group -> {
                    text.append("%n%s %4d  %s%n"
                            .formatted(difference, group.getValue().size(), group.getKey()));
                    group.getValue()
                            .forEach(row -> text.append("    %-60s %-20s %s%n"
                                    .formatted(row.name(), row.kernel().section(), detail(difference, row))));
                });
    }

    private static String reason(Difference difference, Row row) {
        String reason = difference == Difference.UNSOUND
                ? row.kernel().reason()
                : row.ours().orElse("");
        return reason.replaceAll("\\(insn.*", "").replaceAll("-?(0x)?[0-9a-f]*[0-9][0-9a-f]*", "N");
    }

    private static String detail(Difference difference, Row row) {
        return difference == Difference.UNSOUND ? "" : row.ours().orElse("").replaceAll(".*(\\(insn.*)", "$1");
    }
}
