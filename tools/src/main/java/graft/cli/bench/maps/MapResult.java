package graft.cli.bench.maps;

import graft.cli.bench.BenchRow;
import graft.cli.bench.Samples;
import graft.cli.output.TextTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What the suite measured. */
public record MapResult(List<Row> rows) {
    private static final double MILLION = 1e6;

    /** One operation on both sides, by so many writers at a time. */
    public record Row(MapRow row, int writers, Side kernel, Side graft) {
        /** Graft's time over the kernel's. */
        public double toKernel() {
            return graft.nanos().median() / kernel.nanos().median();
        }

        private String label() {
            return writers == 1 ? row.label() : row.label() + "-by-" + writers;
        }
    }

    /**
     * One side.
     *
     * @param nanos of one operation: processor time of each writer
     * @param rate operations a second of all writers together
     */
    public record Side(Samples nanos, Samples rate) {}

    /** The table for people. */
    public List<String> table() {
        TextTable table = TextTable.of(
                TextTable.words("operation"),
                TextTable.numbers("writers"),
                TextTable.numbers("kernel"),
                TextTable.numbers("graft"),
                TextTable.numbers("graft/kernel"),
                TextTable.numbers("kernel M/s"),
                TextTable.numbers("graft M/s"));
        for (Row row : rows) {
            table.row(
                    row.row().label(),
                    Integer.toString(row.writers()),
                    number("%.2f", row.kernel().nanos().median()),
                    number("%.2f", row.graft().nanos().median()),
                    number("%.2f", row.toKernel()),
                    number("%.1f", row.kernel().rate().median() / MILLION),
                    number("%.1f", row.graft().rate().median() / MILLION));
        }
        List<String> lines = new ArrayList<>(table.lines());
        lines.add(
                "nanoseconds of one operation for each writer, millions a second of all; median of %d interleaved batches"
                        .formatted(rows.getFirst().graft().nanos().count()));
        lines.add("writers are processes, threads in the kernel, all at the same time on %d processors"
                .formatted(Runtime.getRuntime().availableProcessors()));
        return lines;
    }

    /** The same as measured rows. */
    public List<BenchRow> benchRows() {
        List<BenchRow> all = new ArrayList<>();
        for (Row row : rows) {
            addRows(all, row.label(), BenchRow.Who.KERNEL, row.kernel());
            addRows(all, row.label(), BenchRow.Who.GRAFT, row.graft());
        }
        return all;
    }

    private static void addRows(List<BenchRow> all, String label, BenchRow.Who who, Side side) {
        all.add(new BenchRow(
                "maps", label, who, "ns", side.nanos(), side.nanos().median()));
        all.add(new BenchRow(
                "maps", label, who, "op/s", side.rate(), side.rate().median()));
    }

    private static String number(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }
}
