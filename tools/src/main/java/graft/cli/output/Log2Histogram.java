package graft.cli.output;

import java.util.ArrayList;
import java.util.List;

/**
 * Counts by power of two: slot n holds the values from 2^n up to 2^(n+1) - 1; slot 0 also holds 0.
 *
 * @param unit unit of the values: {@code ns}, {@code B}
 * @param slots the counts, at most 64
 */
public record Log2Histogram(String unit, List<Long> slots) {
    private static final int BAR = 40;
    private static final double[] QUANTILES = {0.5, 0.9, 0.99, 0.999};
    private static final List<String> NAMES = List.of("p50", "p90", "p99", "p99.9");

    public Log2Histogram {
        slots = List.copyOf(slots);
        if (slots.size() > 64) {
            throw new IllegalArgumentException("a 64-bit value has no slot " + (slots.size() - 1));
        }
    }

    /** Number of values. */
    public long count() {
        return slots.stream().mapToLong(Long::longValue).sum();
    }

    /** The slots that hold something and those between them, with bars; then the quantiles' upper bounds. */
    public List<String> lines() {
        long count = count();
        if (count == 0) {
            return List.of("no values");
        }
        long largest = slots.stream().mapToLong(Long::longValue).max().orElse(1);
        TextTable table = TextTable.of(
                TextTable.numbers("from"), TextTable.numbers("below"), TextTable.numbers("count"), TextTable.words(""));
        for (int slot = first(); slot <= last(); slot++) {
            long here = slots.get(slot);
            table.row(
                    Quantity.of(from(slot), unit),
                    Quantity.of(below(slot), unit),
                    Quantity.count(here),
                    bar(here, largest));
        }
        List<String> lines = new ArrayList<>(table.lines());
        StringBuilder summary = new StringBuilder(Quantity.count(count)).append(" values");
        for (int i = 0; i < QUANTILES.length; i++) {
            summary.append("   ").append(NAMES.get(i)).append(" < ");
            summary.append(Quantity.of(below(slotOf(QUANTILES[i])), unit));
        }
        lines.add(summary.toString());
        return List.copyOf(lines);
    }

    /** The same as members of an object: the total, the bounds and counts, the quantiles' upper bounds. */
    public void json(JsonWriter json) {
        json.member("unit", unit).member("count", count()).name("buckets").beginArray();
        for (int slot = first(); slot <= last(); slot++) {
            json.beginObject();
            json.id("from", slot == 0 ? 0 : 1L << slot);
            json.id("to", slot == 63 ? -1L : (1L << slot + 1) - 1);
            json.member("count", slots.get(slot)).endObject();
        }
        json.endArray();
        if (count() > 0) {
            for (int i = 0; i < QUANTILES.length; i++) {
                String name = NAMES.get(i).replace('.', '_') + "_at_most";
                int slot = slotOf(QUANTILES[i]);
                json.id(name, slot == 63 ? -1L : (1L << slot + 1) - 1);
            }
        }
    }

    private static double from(int slot) {
        return slot == 0 ? 0 : Math.scalb(1.0, slot);
    }

    private static double below(int slot) {
        return Math.scalb(1.0, slot + 1);
    }

    private static String bar(long count, long largest) {
        long full = Math.round((double) count / largest * BAR);
        return count == 0 ? "" : "█".repeat((int) Math.max(1, full));
    }

    private int slotOf(double quantile) {
        long needed = (long) Math.ceil(quantile * count());
        long seen = 0;
        for (int slot = 0; slot < slots.size(); slot++) {
            seen += slots.get(slot);
            if (seen >= needed) {
                return slot;
            }
        }
        return slots.size() - 1;
    }

    private int first() {
        int slot = 0;
        while (slot < slots.size() && slots.get(slot) == 0) {
            slot++;
        }
        return slot;
    }

    private int last() {
        int slot = slots.size() - 1;
        while (slot >= 0 && slots.get(slot) == 0) {
            slot--;
        }
        return slot;
    }
}
