package graft.cli.bench;

import graft.cli.tls.TlsTally;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;

/** A thread that reads records until {@link #finish}, as a tool's main loop does. */
final class TlsReader implements AutoCloseable {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final Duration LOOK_AROUND = Duration.ofMillis(100);

    private final TlsSource source;
    private final TlsTally tally;
    private final Thread thread = new Thread(this::run, "graft-bench-reader");
    /** Of the whole thread, when it has ended. */
    private long cpuNanos;
    /** Set by {@link #finish}: the records that are there now are the last ones. */
    private volatile boolean ending;

    private TlsReader(TlsSource source, TlsTally tally) {
        this.source = source;
        this.tally = tally;
    }

    static TlsReader start(TlsSource source, TlsTally tally) {
        TlsReader reader = new TlsReader(source, tally);
        reader.thread.start();
        return reader;
    }

    private void run() {
        while (!ending) {
            source.read(tally, LOOK_AROUND);
        }
        long before = -1;
        while (before != tally.events()) {
            before = tally.events();
            source.read(tally, Duration.ZERO);
        }
        cpuNanos = CpuTime.ofThisThread();
    }

    /** Reads what is left and says what was read. Nothing may be traced any more. */
    TlsTally.Totals finish() {
        ending = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the last records were read", e);
        }
        return tally.totals();
    }

    /** What reading has cost so far. */
    long cpuNanos() {
        long running = THREADS.getThreadCpuTime(thread.threadId());
        return running < 0 ? cpuNanos : running;
    }

    @Override
    public void close() {
        ending = true;
    }
}
