package graft.cli.bench;

import graft.cli.output.TextTable;
import java.util.List;
import java.util.Locale;

/** What became of the events of several processes, in each place. */
public record EventsResult(List<Side> sides) {
    private static final double PERCENT = 100;
    private static final double SECOND = 1e9;

    /**
     * One place.
     *
     * @param calls each is an event
     * @param delivered to the reader
     * @param lost as the program counted them
     * @param nanos how long the slowest producer took
     * @param reader the reading thread's
     * @param idle the reading thread's, while nothing came
     */
    public record Side(BenchRow.Who who, long calls, long delivered, long lost, long nanos, Load reader, Load idle) {
        double rate() {
            return calls * SECOND / nanos;
        }
    }

    /**
     * Time on a processor in a span of time.
     *
     * @param cpuNanos on the processor
     * @param nanos of the span
     */
    public record Load(long cpuNanos, long nanos) {
        double percent() {
            return cpuNanos * PERCENT / nanos;
        }
    }

    /** The table for people. */
    public List<String> table() {
        TextTable table = TextTable.of(
                TextTable.words("in"),
                TextTable.numbers("events"),
                TextTable.numbers("events/s"),
                TextTable.numbers("delivered"),
                TextTable.numbers("lost"),
                TextTable.numbers("reader's CPU %"),
                TextTable.numbers("idle CPU %"));
        for (Side side : sides) {
            table.row(
                    side.who().word(),
                    String.valueOf(side.calls()),
                    String.format(Locale.ROOT, "%.0f", side.rate()),
                    String.valueOf(side.delivered()),
                    String.valueOf(side.lost()),
                    String.format(Locale.ROOT, "%.1f", side.reader().percent()),
                    String.format(Locale.ROOT, "%.3f", side.idle().percent()));
        }
        return table.lines();
    }

    /** The same as measured rows. */
    public List<BenchRow> benchRows() {
        return sides.stream()
                .flatMap(side -> List.of(
                        row("events", side, "1/s", side.rate()),
                        row("lost", side, "events", side.lost()),
                        row("reader-cpu", side, "%", side.reader().percent()),
                        row("idle-cpu", side, "%", side.idle().percent()))
                        .stream())
                .toList();
    }

    private static BenchRow row(String name, Side side, String unit, double value) {
        return new BenchRow("events", name, side.who(), unit, Samples.of(value), value);
    }
}
