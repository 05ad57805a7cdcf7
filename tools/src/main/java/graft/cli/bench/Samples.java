package graft.cli.bench;

import java.util.Arrays;

/** The measurements of one row, in the order they were taken. */
public final class Samples {
    private final double[] sorted;

    private Samples(double[] sorted) {
        this.sorted = sorted;
    }

    /** @throws IllegalArgumentException when there are none */
    public static Samples of(double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("a row needs at least one measurement");
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return new Samples(sorted);
    }

    public int count() {
        return sorted.length;
    }

    public double min() {
        return sorted[0];
    }

    public double median() {
        return quantile(0.5);
    }

    /** The value below which {@code fraction} of the measurements lie, interpolated. */
    public double quantile(double fraction) {
        double position = fraction * (sorted.length - 1);
        int below = (int) position;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }
}
