package graft.cli.bench;

import graft.cli.output.Quantity;
import graft.cli.output.TextTable;
import java.util.List;
import java.util.Locale;

/** The nginx suite's rows as a table for people or as JSON lines. */
public final class NginxReport {
    private NginxReport() {}

    /** The table. A loss is printed with its range over the rounds. */
    public static List<String> table(List<NginxRow> rows) {
        TextTable table = TextTable.of(
                TextTable.words("body"),
                TextTable.words("who"),
                TextTable.numbers("n"),
                TextTable.numbers("req/s"),
                TextTable.numbers("loss"),
                TextTable.numbers("min..max"),
                TextTable.numbers("CPU/req"),
                TextTable.numbers("events"),
                TextTable.numbers("lost"),
                TextTable.numbers("failed"));
        for (NginxRow row : rows) {
            boolean traced = row.bench().who() != BenchRow.Who.NATIVE;
            table.row(
                    row.bench().row(),
                    row.bench().who().word(),
                    Quantity.count(row.bench().samples().count()),
                    Quantity.count(Math.round(row.bench().samples().median())),
                    traced ? percent(row.loss().median()) : "-",
                    traced
                            ? percent(row.loss().min()) + ".."
                                    + percent(row.loss().quantile(1))
                            : "-",
                    Quantity.nanoseconds(row.cpu().median()),
                    traced ? Quantity.count(row.events()) : "-",
                    traced ? Quantity.count(row.lost()) : "-",
                    Quantity.count(row.failed()));
        }
        return table.lines();
    }

    private static String percent(double value) {
        return String.format(Locale.ROOT, "%.1f%%", value);
    }

    /** One line for one row: the members of every suite, then this one's. */
    public static String json(NginxRow row) {
        return BenchReport.members(row.bench())
                .member("loss_percent", BenchReport.rounded(row.loss().median()))
                .member("cpu_ns", BenchReport.rounded(row.cpu().median()))
                .member("events", row.events())
                .member("lost", row.lost())
                .member("failed", row.failed())
                .endObject()
                .toString();
    }
}
