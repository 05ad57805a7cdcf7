package graft.cli.output;

import java.util.Locale;

/** Numbers with units, as people read them: three digits that matter, thousands apart. */
public final class Quantity {
    private Quantity() {}

    /** {@code 1,204,551}. */
    public static String count(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    /** {@code 1.3 ns}, {@code 41 ns}, {@code 1.20 µs}, {@code 12.0 ms}, {@code 3.00 s}. */
    public static String nanoseconds(double time) {
        double size = Math.abs(time);
        if (size < 1000) {
            return size < 100 && time != Math.rint(time)
                    ? String.format(Locale.ROOT, "%.1f ns", time)
                    : String.format(Locale.ROOT, "%.0f ns", time);
        }
        if (size < 1e6) {
            return digits(time / 1e3) + " µs";
        }
        return size < 1e9 ? digits(time / 1e6) + " ms" : digits(time / 1e9) + " s";
    }

    /** {@code 17 B}, {@code 1.50 KiB}. */
    public static String bytes(long bytes) {
        if (bytes < 1 << 10) {
            return bytes + " B";
        }
        if (bytes < 1 << 20) {
            return digits(bytes / 1024.0) + " KiB";
        }
        return bytes < 1 << 30 ? digits(bytes / 1048576.0) + " MiB" : digits(bytes / 1073741824.0) + " GiB";
    }

    /** A measurement in any unit: nanoseconds are scaled, the rest keeps its unit. */
    public static String of(double value, String unit) {
        return switch (unit) {
            case "ns" -> nanoseconds(value);
            case "us" -> nanoseconds(value * 1e3);
            case "B" -> bytes(Math.round(value));
            case "count" -> count(Math.round(value));
            default -> Math.abs(value) < 100 ? digits(value) + " " + unit : count(Math.round(value)) + " " + unit;
        };
    }

    private static String digits(double value) {
        double size = Math.abs(value);
        String format = size < 9.995 ? "%.2f" : size < 99.95 ? "%.1f" : "%.0f";
        return String.format(Locale.ROOT, format, value);
    }
}
