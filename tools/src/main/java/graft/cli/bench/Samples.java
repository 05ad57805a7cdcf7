package graft.cli.bench;

import java.util.Arrays;

/** The measurements of one row, in the order they were taken. */
public final class Samples {
    /** So many standard deviations on both sides have 95 % of a normal distribution between them. */
    private static final double NORMAL_95 = 1.96;

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

    /**
     * Where the median of all that could have been measured lies, with a probability of 95 %: between the two measurements that
     * are so many places away from the middle, whatever the distribution.
     */
    public Range medianRange() {
        int below = (int) Math.floor(sorted.length / 2.0 - NORMAL_95 / 2 * Math.sqrt(sorted.length));
        int low = Math.max(0, below);
        return new Range(sorted[low], sorted[sorted.length - 1 - low]);
    }

    /** From one value to another. */
    public record Range(double low, double high) {}

    /** The value below which {@code fraction} of the measurements lie, interpolated. */
    public double quantile(double fraction) {
        double position = fraction * (sorted.length - 1);
        int below = (int) position;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }
}
