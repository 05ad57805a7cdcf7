package graft.cli.bench.maps;

import graft.bridge.KernelTestProgram;
import graft.cli.bench.BenchTarget;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.DoubleSupplier;
import java.util.stream.Stream;

/** Who runs a row's program, all at once: processes on processors of their own, or as many threads in the kernel. */
final class Writers implements AutoCloseable {
    private static final Executor THREADS = task -> Thread.ofPlatform().start(task);

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

    int count() {
        return targets.size();
    }

    List<Integer> pids() {
        return targets.stream().map(BenchTarget::pid).toList();
    }

    /** The first one alone: two runs. */
    void runTwice(String function) {
        targets.getFirst().measure(1, 1, List.of(function)); // once to warm up
    }

    /** Each calls the function {@code runs} times to warm up and as often again; nanoseconds of one call. */
    double measure(String function, int runs) {
        return together(targets.stream()
                .<DoubleSupplier>map(target -> () ->
                        target.measure(1, runs, List.of(function)).get(function).median()));
    }

    /** The same in the kernel. */
    double measure(KernelTestProgram program, int runs) {
        return together(Collections.nCopies(count(), (DoubleSupplier) () -> {
                    program.run(runs);
                    return program.run(runs);
                })
                .stream());
    }

    private static double together(Stream<DoubleSupplier> work) {
        List<CompletableFuture<Double>> running = work.map(
                        one -> CompletableFuture.supplyAsync(one::getAsDouble, THREADS))
                .toList();
        return running.stream().mapToDouble(CompletableFuture::join).average().orElseThrow();
    }

    @Override
    public void close() {
        targets.forEach(BenchTarget::close);
    }
}
