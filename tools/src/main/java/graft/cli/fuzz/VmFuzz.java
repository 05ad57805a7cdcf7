package graft.cli.fuzz;

import graft.cli.fuzz.VmComparison.Result;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/** Compares the engines on the programs of consecutive seeds, and counts. */
public final class VmFuzz {
    private static final int SHOWN = 10;

    private final SortedSet<Long> unfinished = new TreeSet<>();
    private long highest;
    private boolean stopped;
    private long programs;
    private long differences;
    private long notTaken;
    private long tooStrict;
    private final Coverage coverage = new Coverage();
    private final List<String> findings = new ArrayList<>();

    /** A search that begins at {@code firstSeed}. */
    public VmFuzz(long firstSeed) {
        this.highest = firstSeed - 1;
    }

    /** Is told about every finding at once, and now and then how far the search is. */
    public interface Listener {
        /** Something to look at. */
        void found(String text);

        /** After each program; whether to go on. */
        Wish done(VmFuzz sofar);
    }

    /** Whether a search goes on. */
    public enum Wish {
        GO_ON,
        STOP
    }

    /** Goes on for {@code count} programs, {@code workers} at a time, unless the listener has had enough. */
    public void run(long count, int workers, Listener listener) {
        AtomicLong next = new AtomicLong(nextSeed());
        long end = nextSeed() + count;
        try (KernelEngine kernel = new KernelEngine();
                ExecutorService pool = Executors.newFixedThreadPool(workers)) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < workers; i++) {
                running.add(pool.submit(() -> work(kernel, next, end, listener)));
            }
            running.forEach(VmFuzz::await);
        }
    }

    private void work(KernelEngine kernel, AtomicLong next, long end, Listener listener) {
        try (VmComparison comparison = new VmComparison(kernel)) {
            Wish wish = Wish.GO_ON;
            while (wish == Wish.GO_ON) {
                OptionalLong seed = take(next, end);
                if (seed.isEmpty()) {
                    return;
                }
                FuzzCase one = FuzzCase.of(seed.getAsLong());
                wish = note(comparison, one, listener);
            }
        } finally {
            stop();
        }
    }

    private Wish note(VmComparison comparison, FuzzCase one, Listener listener) {
        Result result;
        String text;
        try {
            result = comparison.compare(one);
            text = result instanceof Result.Different ? comparison.reduced(one) : "";
        } catch (RuntimeException failed) {
            throw new IllegalStateException("the program of seed " + one.seed() + " could not be compared", failed);
        }
        return note(one, result, text, listener);
    }

    private synchronized void stop() {
        stopped = true;
    }

    /** The next seed, unless the search is over. */
    private synchronized OptionalLong take(AtomicLong next, long end) {
        if (stopped || next.get() >= end) {
            return OptionalLong.empty();
        }
        highest = next.getAndIncrement();
        unfinished.add(highest);
        return OptionalLong.of(highest);
    }

    private static void await(Future<?> worker) {
        try {
            worker.get();
        } catch (ExecutionException failed) {
            throw new IllegalStateException("a comparison failed", failed.getCause());
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized Wish note(FuzzCase one, Result result, String different, Listener listener) {
        if (!(result instanceof Result.NotTaken)) {
            coverage.add(one.insns());
            one.other().ifPresent(coverage::add);
        }
        judge(one, result, different, listener);
        programs++;
        unfinished.remove(one.seed());
        return listener.done(this);
    }

    private void judge(FuzzCase one, Result result, String different, Listener listener) {
        switch (result) {
            case Result.Same _ -> {}
            case Result.TooStrict(String why) -> {
                tooStrict++;
                show(tooStrict, "seed " + one.seed() + ": the kernel takes what graft refuses\n" + why, listener);
            }
            case Result.NotTaken(String why) -> {
                notTaken++;
                show(notTaken, "seed " + one.seed() + ": refused by the kernel: " + why, listener);
            }
            case Result.Different _ -> {
                differences++;
                show(differences, "seed " + one.seed() + ": " + different, listener);
            }
        }
    }

    /** Ten findings of a kind are enough to work on. */
    private void show(long number, String text, Listener listener) {
        if (number <= SHOWN) {
            findings.add(text);
            listener.found(text);
        }
    }

    /** What the programs were made of, without those that the kernel refused. */
    public Coverage coverage() {
        return coverage;
    }

    /** Where a later search can go on: the first seed that is not finished. */
    public synchronized long nextSeed() {
        return unfinished.isEmpty() ? highest + 1 : unfinished.first();
    }

    /** Programs so far. */
    public long programs() {
        return programs;
    }

    /** Programs whose engines disagree. */
    public long differences() {
        return differences;
    }

    /** Programs that the kernel refused, and that say nothing. */
    public long notTaken() {
        return notTaken;
    }

    /** Programs that graft's verifier refused and the kernel did not. */
    public long tooStrict() {
        return tooStrict;
    }

    /** The first findings of each kind, as text. */
    public List<String> findings() {
        return List.copyOf(findings);
    }
}
