package graft.cli.bench.maps;

import graft.cli.bench.BenchRow;
import graft.cli.bench.Samples;
import graft.cli.output.TextTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What the suite measured: nanoseconds of one operation.
 *
 * @param writers processes that did it at the same time
 */
public record MapResult(List<Row> rows, int writers) {
    /** One operation on both sides. */
    public record Row(MapRow row, Samples kernel, Samples graft) {
        /** Graft's time over the kernel's. */
        public double toKernel() {
            return graft.median() / kernel.median();
        }
    }

    /** The table for people. */
    public List<String> table() {
        TextTable table = TextTable.of(
                TextTable.words("operation"),
                TextTable.numbers("kernel"),
                TextTable.numbers("graft"),
                TextTable.numbers("graft/kernel"));
        for (Row row : rows) {
            table.row(
                    row.row().label(),
                    number(row.kernel().median()),
                    number(row.graft().median()),
                    number(row.toKernel()));
        }
        List<String> lines = new ArrayList<>(table.lines());
        lines.add("nanoseconds of one operation, median of %d interleaved batches%s"
                .formatted(
                        rows.getFirst().graft().count(),
                        writers == 1 ? "" : "; " + writers + " processes (threads in the kernel) at a time"));
        return lines;
    }

    /** The same as measured rows. */
    public List<BenchRow> benchRows() {
        List<BenchRow> all = new ArrayList<>();
        for (Row row : rows) {
            all.add(row(row.row(), BenchRow.Who.KERNEL, row.kernel()));
            all.add(row(row.row(), BenchRow.Who.GRAFT, row.graft()));
        }
        return all;
    }

    private BenchRow row(MapRow row, BenchRow.Who who, Samples samples) {
        String label = writers == 1 ? row.label() : row.label() + "-by-" + writers;
        return new BenchRow("maps", label, who, "ns", samples, samples.median());
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }
}
