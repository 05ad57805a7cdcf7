package graft.cli.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The process that is measured ({@code bench-target.c}). It is started by a shell and not by this JVM, whose reaper
 * thread would otherwise take the tracer's stops; closing ends it by closing its input.
 */
public final class BenchTarget implements AutoCloseable {
    private static final String GREETING = "pid ";

    private final AskedProcess shell;

    private BenchTarget(AskedProcess shell) {
        this.shell = shell;
    }

    /** Starts the target's executable and waits until it answers. */
    public static BenchTarget start(Path executable) {
        return new BenchTarget(AskedProcess.start(GREETING, "/bin/sh", "-c", "\"$0\"; exit $?", executable.toString()));
    }

    /** The same on a processor of this number, if it may run there. */
    public static BenchTarget start(Path executable, int processor) {
        return new BenchTarget(AskedProcess.start(
                GREETING, "/bin/sh", "-c", "\"$0\" " + processor + "; exit $?", executable.toString()));
    }

    /** Starts what {@code wrapper} makes of it. */
    static BenchTarget start(List<String> wrapper, Path executable) {
        List<String> command = new ArrayList<>(wrapper);
        command.add(executable.toString());
        return new BenchTarget(AskedProcess.start(GREETING, command.toArray(String[]::new)));
    }

    public int pid() {
        return Integer.parseInt(shell.hello().substring(GREETING.length()));
    }

    /** Runs {@code rounds} interleaved batches of {@code calls} calls of each row; nanoseconds per call, by row. */
    public Map<String, Samples> measure(int rounds, long calls, List<String> rows) {
        return measured("measure " + rounds + " " + calls + " " + String.join(" ", rows));
    }

    /** The same, one batch of each row, behind ten calls one in the other. */
    Map<String, Samples> measureDeep(long calls, List<String> rows) {
        return measured("deep " + calls + " " + String.join(" ", rows));
    }

    private Map<String, Samples> measured(String command) {
        Map<String, List<Double>> measured = new LinkedHashMap<>();
        for (String line : shell.ask(command)) {
            int space = line.indexOf(' ');
            measured.computeIfAbsent(line.substring(0, space), _ -> new ArrayList<>())
                    .add(Double.valueOf(line.substring(space + 1)));
        }
        Map<String, Samples> samples = new LinkedHashMap<>();
        measured.forEach((row, values) -> samples.put(
                row, Samples.of(values.stream().mapToDouble(Double::doubleValue).toArray())));
        return samples;
    }

    /**
     * A time in which several do something at once.
     *
     * @param start on the clock of {@link System#nanoTime}, or {@link #WHEN_WARM}
     * @param nanos how long
     * @param most calls that each makes in it
     */
    public record Window(long start, long nanos, long most) {
        /** Waits for nobody. */
        public static final long WHEN_WARM = 0;
    }

    /**
     * What one of them did.
     *
     * @param calls in the window
     * @param processorNanos that they took
     * @param elapsed nanoseconds from the start of the window to the end of the last call
     * @param all calls, with those to warm up
     */
    public record Share(long calls, long processorNanos, long elapsed, long all) {}

    /** Calls {@code row} in the window, after as many calls before it to warm up. */
    public Share during(Window window, String row) {
        String[] words = shell.ask("window %d %d %d %s".formatted(window.start(), window.nanos(), window.most(), row))
                .getFirst()
                .split(" ");
        return new Share(
                Long.parseLong(words[1]), Long.parseLong(words[2]), Long.parseLong(words[3]), Long.parseLong(words[4]));
    }

    /** How often the target called {@code row} so far. */
    public long calls(String row) {
        String line = shell.ask("count " + row).getFirst();
        return Long.parseLong(line.substring(line.indexOf(' ') + 1));
    }

    /** From now on a thread of the target is asked by seccomp about every call of this number, and lets it be made. */
    void supervise(int number) {
        shell.ask("notify " + number);
    }

    /** From now on the kernel asks about each call whether it is to become a signal: {@code range}, {@code selector} or {@code signal}. */
    void dispatch(String how) {
        shell.ask("dispatch " + how);
    }

    /**
     * What a target did at a pace.
     *
     * @param calls all that were to be made
     * @param nanos how long that took: longer than asked for when the pace was too much
     */
    record Paced(long calls, long nanos) {}

    /** Calls {@code row} {@code rate} times a second, for so long. */
    Paced pace(String row, long rate, long seconds) {
        String[] words =
                shell.ask("pace " + rate + " " + seconds + " " + row).getFirst().split(" ");
        return new Paced(Long.parseLong(words[1]), Long.parseLong(words[2]));
    }

    /** Lets the target spin and watch the clock until {@link #longestGap}. */
    public void watchClock() {
        shell.say("gap");
    }

    /** Ends the watching. @return nanoseconds of the longest time in which the target did not run */
    public long longestGap() {
        String line = shell.ask("").getFirst();
        return Long.parseLong(line.substring(line.indexOf(' ') + 1));
    }

    @Override
    public void close() {
        shell.close();
    }
}
