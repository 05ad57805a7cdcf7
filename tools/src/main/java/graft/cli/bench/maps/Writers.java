package graft.cli.bench.maps;

import graft.bridge.KernelTestProgram;
import graft.cli.bench.BenchTarget;
import graft.cli.bench.BenchTarget.Share;
import graft.cli.bench.BenchTarget.Window;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;

/** Who runs a row's program, all at once: processes on processors of their own, or as many threads in the kernel. */
final class Writers implements AutoCloseable {
    private static final Executor THREADS = task -> Thread.ofPlatform().start(task);

    /** From the command to the start of the window of several: all have been woken and have warmed up. */
    private static final long GATHERING_NANOS = 1_000_000;

    /** A system call for each run would be seen in the rate. */
    private static final int RUNS_OF_A_CALL = 8;

    private final List<BenchTarget> targets = new ArrayList<>();

    private Writers() {}

    static Writers start(Path executable, int count) {
        Writers writers = new Writers();
        for (int i = 0; i < count; i++) {
            writers.targets.add(
                    BenchTarget.start(executable, i % Runtime.getRuntime().availableProcessors()));
        }
        return writers;
    }

    List<Integer> pids() {
        return targets.stream().map(BenchTarget::pid).toList();
    }

    /** The first one alone: two runs. */
    void runTwice(String function) {
        targets.getFirst().measure(1, 1, List.of(function)); // once to warm up
    }

    /**
     * What some did together.
     *
     * @param nanos of one run: processor time of each, on average
     * @param rate runs a second, the sum of all writers' rates
     * @param all runs, with those to warm up
     */
    record Batch(double nanos, double rate, long all) {
        private static Batch of(List<Share> shares) {
            long runs = shares.stream().mapToLong(Share::calls).sum();
            long processor = shares.stream().mapToLong(Share::processorNanos).sum();
            double rate = shares.stream()
                    .mapToDouble(share -> 1e9 * share.calls() / share.elapsed())
                    .sum();
            return new Batch(
                    (double) processor / runs,
                    rate,
                    shares.stream().mapToLong(Share::all).sum());
        }
    }

    /** The first {@code count} call the function for {@code nanos}, {@code most} times each at most. */
    Batch measure(int count, String function, long nanos, long most) {
        return together(
                targets.subList(0, count).stream()
                        .<Function<Window, Share>>map(target -> window -> target.during(window, function))
                        .toList(),
                nanos,
                most);
    }

    /** As many threads do the same in the kernel. */
    static Batch measure(int count, KernelTestProgram program, long nanos, long most) {
        return together(Collections.nCopies(count, window -> Writers.during(window, program)), nanos, most);
    }

    private static Batch together(List<Function<Window, Share>> writers, long nanos, long most) {
        long start = writers.size() == 1 ? Window.WHEN_WARM : System.nanoTime() + GATHERING_NANOS;
        Window window = new Window(start, nanos, most);
        List<CompletableFuture<Share>> running = writers.stream()
                .map(writer -> CompletableFuture.supplyAsync(() -> writer.apply(window), THREADS))
                .toList();
        return Batch.of(running.stream().map(CompletableFuture::join).toList());
    }

    private static Share during(Window window, KernelTestProgram program) {
        Share before = runUntil(window.start(), window.most(), program);
        while (System.nanoTime() < window.start()) {
            Thread.onSpinWait();
        }
        long start = window.start() == Window.WHEN_WARM ? System.nanoTime() : window.start();
        Share made = runUntil(start + window.nanos(), window.most(), program);
        long elapsed = System.nanoTime() - start;
        return new Share(made.calls(), made.processorNanos(), elapsed, before.calls() + made.calls());
    }

    /** The kernel's number leaves out the time in which it let others run. */
    private static Share runUntil(long end, long most, KernelTestProgram program) {
        long runs = 0;
        long nanos = 0;
        do {
            int times = (int) Math.min(RUNS_OF_A_CALL, most - runs);
            nanos += (long) times * program.run(times);
            runs += times;
        } while (runs < most && System.nanoTime() < end);
        return new Share(runs, nanos, 0, runs);
    }

    @Override
    public void close() {
        targets.forEach(BenchTarget::close);
    }
}
