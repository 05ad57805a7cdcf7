package graft.cli.bench;

import graft.cli.output.JsonWriter;
import graft.cli.output.Quantity;
import graft.cli.output.TextTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** Measured rows as a table for people or as JSON lines. */
public final class BenchReport {
    private static final double NEARLY_ALL = 0.99;

    private BenchReport() {}

    /** The table. {@code ratio} is the median over that of the baseline. */
    public static List<String> table(List<BenchRow> rows) {
        return table(
                rows,
                List.of("min", "median", "added", "ratio"),
                row -> List.of(
                        Quantity.of(row.samples().min(), row.unit()),
                        Quantity.of(row.samples().median(), row.unit()),
                        Quantity.of(row.added(), row.unit()),
                        ratio(row)));
    }

    /** The table of a suite that asks how bad it gets: no baseline, but the tail. */
    public static List<String> tails(List<BenchRow> rows) {
        return table(
                rows,
                List.of("min", "p50", "p99", "max"),
                row -> List.of(
                        Quantity.of(row.samples().min(), row.unit()),
                        Quantity.of(row.samples().median(), row.unit()),
                        Quantity.of(row.samples().quantile(NEARLY_ALL), row.unit()),
                        Quantity.of(row.samples().quantile(1), row.unit())));
    }

    private static List<String> table(
            List<BenchRow> rows, List<String> figures, Function<BenchRow, List<String>> figuresOf) {
        List<TextTable.Column> columns =
                new ArrayList<>(List.of(TextTable.words("row"), TextTable.words("who"), TextTable.numbers("n")));
        figures.forEach(figure -> columns.add(TextTable.numbers(figure)));
        TextTable table = TextTable.of(columns.toArray(TextTable.Column[]::new));
        for (BenchRow row : rows) {
            List<String> cells = new ArrayList<>(List.of(
                    row.row(), row.who().word(), Quantity.count(row.samples().count())));
            cells.addAll(figuresOf.apply(row));
            table.row(cells.toArray(String[]::new));
        }
        return table.lines();
    }

    private static String ratio(BenchRow row) {
        double baseline = row.samples().median() - row.added();
        return baseline > 0 ? String.format(Locale.ROOT, "%.2f", row.samples().median() / baseline) : "-";
    }

    /** One line for one row. */
    public static String json(BenchRow row) {
        return members(row).endObject().toString();
    }

    /** The members that the rows of every suite have; the object is still open. */
    static JsonWriter members(BenchRow row) {
        JsonWriter json = new JsonWriter().beginObject().member("type", "bench");
        json.member("suite", row.suite()).member("row", row.row());
        json.member("who", row.who().word()).member("unit", row.unit());
        json.member("n", row.samples().count());
        json.member("min", rounded(row.samples().min()));
        json.member("median", rounded(row.samples().median()));
        json.member("added", rounded(row.added()));
        json.member("p99", rounded(row.samples().quantile(NEARLY_ALL)));
        return json.member("max", rounded(row.samples().quantile(1)));
    }

    /** Thousandths of a unit: less than any measurement can tell. */
    static double rounded(double value) {
        return Math.round(value * 1000) / 1000.0;
    }
}
