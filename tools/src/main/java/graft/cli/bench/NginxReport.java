package graft.cli.bench;

import graft.cli.output.Quantity;
import graft.cli.output.TextTable;
import java.util.List;
import java.util.Locale;

/** The nginx suite's rows as a table for people or as JSON lines. */
public final class NginxReport {
    private NginxReport() {}

    /** The table. A loss, and what CPU time grew by, is printed with the range in which its median lies with 95 % confidence. */
    public static List<String> table(List<NginxRow> rows) {
        TextTable table = TextTable.of(
                TextTable.words("body"),
                TextTable.words("who"),
                TextTable.numbers("n"),
                TextTable.numbers("req/s"),
                TextTable.numbers("loss"),
                TextTable.numbers("95%"),
                TextTable.numbers("CPU/req"),
                TextTable.numbers("more"),
                TextTable.numbers("95%"),
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
                    traced ? percent(row.compared().loss().median()) : "-",
                    traced ? range(row.compared().loss()) : "-",
                    Quantity.nanoseconds(row.cpu().median()),
                    traced ? percent(row.compared().growth().median()) : "-",
                    traced ? range(row.compared().growth()) : "-",
                    traced ? Quantity.count(row.events()) : "-",
                    traced ? Quantity.count(row.lost()) : "-",
                    Quantity.count(row.failed()));
        }
        return table.lines();
    }

    private static String range(Samples samples) {
        Samples.Range range = samples.medianRange();
        return percent(range.low()) + ".." + percent(range.high());
    }

    private static String percent(double value) {
        return String.format(Locale.ROOT, "%.1f%%", value);
    }

    /** One line for one row: the members of every suite, then this one's. */
    public static String json(NginxRow row) {
        Samples loss = row.compared().loss();
        Samples growth = row.compared().growth();
        return BenchReport.members(row.bench())
                .member("loss_percent", BenchReport.rounded(loss.median()))
                .member("loss_low", BenchReport.rounded(loss.medianRange().low()))
                .member("loss_high", BenchReport.rounded(loss.medianRange().high()))
                .member("cpu_ns", BenchReport.rounded(row.cpu().median()))
                .member("cpu_more_percent", BenchReport.rounded(growth.median()))
                .member("cpu_more_low", BenchReport.rounded(growth.medianRange().low()))
                .member(
                        "cpu_more_high",
                        BenchReport.rounded(growth.medianRange().high()))
                .member("events", row.events())
                .member("lost", row.lost())
                .member("failed", row.failed())
                .endObject()
                .toString();
    }
}
