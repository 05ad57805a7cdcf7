package graft.cli.syscalls;

import graft.cli.output.JsonWriter;
import graft.cli.output.Quantity;
import graft.cli.output.TextTable;
import graft.syscalls.SyscallTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** How often calls were made, how many failed, how long they took: {@code struct statistics} of {@code syscalls.h}. */
public final class Summary {
    private static final int SLOTS = 256;
    private static final double[] QUANTILES = {0.5, 0.9, 0.99, 0.999};
    private static final String[] NAMES = {"p50", "p90", "p99", "p99.9"};

    private final List<Row> rows;

    private Summary(List<Row> rows) {
        this.rows = List.copyOf(rows);
    }

    /** One call; {@code slots} are its latencies. */
    private record Row(String name, long calls, long errors, long totalNs, long longestNs, List<Long> slots) {
        /** The upper end of the slot that holds the quantile, the longest at most. */
        long quantile(double quantile) {
            long needed = (long) Math.ceil(quantile * calls);
            long seen = 0;
            for (int slot = 0; slot < slots.size(); slot++) {
                seen += slots.get(slot);
                if (seen >= needed) {
                    return Math.min(end(slot), longestNs);
                }
            }
            return longestNs;
        }
    }

    /** Latencies below the result are in {@code slot} or in those before. */
    static long end(int slot) {
        if (slot < 4) {
            return slot + 1L;
        }
        int exponent = slot / 4;
        return 4L + slot % 4 + 1 << exponent - 2;
    }

    /**
     * Reads the program's map.
     *
     * @param values by number of the call
     */
    public static Summary of(SyscallTable table, List<byte[]> values) {
        List<Row> rows = new ArrayList<>();
        for (int number = 0; number < values.size(); number++) {
            ByteBuffer value = ByteBuffer.wrap(values.get(number)).order(ByteOrder.LITTLE_ENDIAN);
            if (value.getLong(0) != 0) {
                rows.add(row(table.name(number).orElse("syscall_" + number), value));
            }
        }
        rows.sort(Comparator.comparingLong(Row::totalNs).reversed().thenComparing(Row::name));
        return new Summary(rows);
    }

    private static Row row(String name, ByteBuffer value) {
        List<Long> slots = new ArrayList<>();
        for (int i = 0; i < SLOTS; i++) {
            slots.add(value.getLong(32 + i * Long.BYTES));
        }
        return new Row(name, value.getLong(0), value.getLong(8), value.getLong(16), value.getLong(24), slots);
    }

    /** A table, the calls that took most time first, and their sum. */
    public List<String> lines() {
        TextTable table = TextTable.of(
                TextTable.numbers("% TIME"),
                TextTable.numbers("TOTAL"),
                TextTable.numbers("CALLS"),
                TextTable.numbers("ERRORS"),
                TextTable.numbers("P50"),
                TextTable.numbers("P90"),
                TextTable.numbers("P99"),
                TextTable.numbers("P99.9"),
                TextTable.numbers("MAX"),
                TextTable.words("SYSCALL"));
        long total = Math.max(1, rows.stream().mapToLong(Row::totalNs).sum());
        for (Row row : rows) {
            table.row(
                    String.format(Locale.ROOT, "%.1f", 100.0 * row.totalNs() / total),
                    Quantity.nanoseconds(row.totalNs()),
                    Quantity.count(row.calls()),
                    row.errors() == 0 ? "" : Quantity.count(row.errors()),
                    Quantity.nanoseconds(row.quantile(QUANTILES[0])),
                    Quantity.nanoseconds(row.quantile(QUANTILES[1])),
                    Quantity.nanoseconds(row.quantile(QUANTILES[2])),
                    Quantity.nanoseconds(row.quantile(QUANTILES[3])),
                    Quantity.nanoseconds(row.longestNs()),
                    row.name());
        }
        List<String> lines = new ArrayList<>(table.lines());
        lines.add("%s calls   %s errors   %s in calls"
                .formatted(
                        Quantity.count(rows.stream().mapToLong(Row::calls).sum()),
                        Quantity.count(rows.stream().mapToLong(Row::errors).sum()),
                        Quantity.nanoseconds(
                                rows.stream().mapToLong(Row::totalNs).sum())));
        return lines;
    }

    /** An object for each call. */
    public List<String> json() {
        return rows.stream().map(Summary::json).toList();
    }

    private static String json(Row row) {
        JsonWriter json = new JsonWriter().beginObject().member("type", "syscall_summary");
        json.member("name", row.name()).id("calls", row.calls()).id("errors", row.errors());
        json.id("total_ns", row.totalNs()).id("max_ns", row.longestNs());
        for (int i = 0; i < QUANTILES.length; i++) {
            json.id(NAMES[i].replace('.', '_') + "_at_most_ns", row.quantile(QUANTILES[i]));
        }
        return json.endObject().toString();
    }
}
