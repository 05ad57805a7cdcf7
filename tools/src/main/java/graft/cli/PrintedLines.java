package graft.cli;

import graft.cli.option.OutputFormat;
import graft.cli.output.JsonWriter;
import graft.cli.output.WallClock;
import graft.daemon.Prints;
import graft.ebpf.maps.DamagedMapException;
import graft.ebpf.maps.Threads;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Shows what programs print, as it comes, by a thread of its own: lines as the kernel's {@code trace_pipe} has them, or JSON. Nobody
 * else may write to {@code out} before {@link #close} has returned.
 */
final class PrintedLines implements AutoCloseable {
    private static final Duration LONGEST_SLEEP = Duration.ofMillis(100);
    private static final int BATCH = 256;
    private static final long NANOS_OF_A_MICRO = 1000;
    private static final long MICROS_OF_A_SECOND = 1_000_000;

    private final Prints prints;
    private final PrintWriter out;
    private final OutputFormat format;
    private final WallClock clock = WallClock.ofThisMachine();
    private final Thread reader;
    private Optional<DamagedMapException> damage = Optional.empty(); // read when `reader` has ended
    private volatile boolean over; // published to `reader`

    /** Begins. */
    PrintedLines(Prints prints, PrintWriter out, OutputFormat format) {
        this.prints = prints;
        this.out = out;
        this.format = format;
        this.reader = Thread.ofPlatform().daemon().name("printed lines").start(this::read);
    }

    private void read() {
        try {
            while (!over) {
                if (prints.drain(this::show, BATCH) == 0) {
                    out.flush();
                    prints.await(LONGEST_SLEEP);
                }
            }
        } catch (DamagedMapException damaged) {
            damage = Optional.of(damaged);
        }
    }

    /**
     * Shows what is left, and ends. For the end of the session, when nobody prints any more.
     *
     * @throws DamagedMapException when a process has written over the ring
     */
    @Override
    public void close() {
        over = true;
        prints.wake();
        Threads.join(reader); // the ring must not go away under it
        damage.ifPresent(damaged -> {
            damage = Optional.empty();
            throw damaged;
        });
        while (prints.drain(this::show, BATCH) > 0) {}
        out.flush();
    }

    private void show(Prints.Line line) {
        out.println(
                switch (format) {
                    case text -> text(line);
                    case json, jsonl -> json(line);
                });
    }

    /** As in trace_pipe, but for control characters, which could do something to a terminal. */
    private static String text(Prints.Line line) {
        long micros = line.nanos() / NANOS_OF_A_MICRO;
        return "%16s-%-7d [%03d] ..... %5d.%06d: bpf_trace_printk: %s"
                .formatted(
                        line.comm().isEmpty() ? "<...>" : printable(line.comm()),
                        line.tid(),
                        line.cpu(),
                        micros / MICROS_OF_A_SECOND,
                        micros % MICROS_OF_A_SECOND,
                        printable(line.text()));
    }

    private static String printable(String text) {
        return text.codePoints()
                .mapToObj(c -> Character.isISOControl(c) && c != '\n' && c != '\t'
                        ? String.format(Locale.ROOT, "\\x%02x", c)
                        : Character.toString(c))
                .collect(Collectors.joining());
    }

    private String json(Prints.Line line) {
        JsonWriter json = new JsonWriter().beginObject().member("type", "printk");
        json.member("time", clock.timestamp(line.nanos())).id("monotonic_ns", line.nanos());
        json.member("pid", line.tgid()).member("tid", line.tid()).member("cpu", line.cpu());
        json.member("comm", line.comm()).member("text", line.text());
        return json.endObject().toString();
    }
}
