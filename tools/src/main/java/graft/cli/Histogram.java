package graft.cli;

import graft.cli.output.JsonWriter;
import java.io.PrintWriter;
import java.util.Arrays;

/** Counts by power of two: slot n holds values from 2^n up to 2^(n+1) - 1 nanoseconds. */
final class Histogram {
    private static final int WIDTH = 40;

    private final long[] slots;
    private final long total;

    Histogram(long[] slots) {
        this.slots = slots.clone();
        this.total = Arrays.stream(slots).sum();
    }

    long total() {
        return total;
    }

    /** For people: one bar a slot, from the first used to the last. */
    void text(PrintWriter out) {
        if (total == 0) {
            out.println("no calls");
            return;
        }
        long most = Arrays.stream(slots).max().orElse(1);
        out.printf("%24s  %12s%n", "LATENCY", "CALLS");
        for (int slot = first(); slot <= last(); slot++) {
            String bar = "#".repeat((int) (slots[slot] * WIDTH / most));
            out.printf("%10s .. %10s  %,12d  %s%n", time(1L << slot), time(1L << slot + 1), slots[slot], bar);
        }
        out.printf(
                "p50 %s  p90 %s  p99 %s  p99.9 %s  (%,d calls; upper bounds)%n",
                time(quantile(0.5)), time(quantile(0.9)), time(quantile(0.99)), time(quantile(0.999)), total);
    }

    /** For programs: bounds in nanoseconds, never bars. */
    JsonWriter json(JsonWriter json, String probe) {
        json.beginObject().member("type", "histogram").member("probe", probe).member("calls", total);
        json.member("p50_ns", quantile(0.5)).member("p90_ns", quantile(0.9)).member("p99_ns", quantile(0.99));
        json.name("buckets").beginArray();
        for (int slot = 0; slot < slots.length; slot++) {
            if (slots[slot] > 0) {
                json.beginObject().member("from_ns", slot == 0 ? 0 : 1L << slot);
                json.member("below_ns", 1L << slot + 1)
                        .member("calls", slots[slot])
                        .endObject();
            }
        }
        return json.endArray().endObject();
    }

    /** The upper bound of the slot that holds the quantile. */
    long quantile(double fraction) {
        long wanted = (long) Math.ceil(total * fraction);
        long seen = 0;
        for (int slot = 0; slot < slots.length - 1; slot++) {
            seen += slots[slot];
            if (seen >= wanted && seen > 0) {
                return 1L << slot + 1;
            }
        }
        return 0;
    }

    private int first() {
        int slot = 0;
        while (slots[slot] == 0) {
            slot++;
        }
        return slot;
    }

    private int last() {
        int slot = slots.length - 1;
        while (slots[slot] == 0) {
            slot--;
        }
        return slot;
    }

    private static String time(long nanos) {
        if (nanos < 10_000) {
            return nanos + " ns";
        }
        if (nanos < 10_000_000) {
            return nanos / 1_000 + " us";
        }
        return nanos < 10_000_000_000L ? nanos / 1_000_000 + " ms" : nanos / 1_000_000_000 + " s";
    }
}
