package graft.cli.fuzz;

import graft.cli.fuzz.VmComparison.Result;
import java.util.ArrayList;
import java.util.List;

/** Compares the engines on the programs of consecutive seeds, and counts. */
public final class VmFuzz {
    private static final int SHOWN = 10;

    private final long firstSeed;
    private long programs;
    private long differences;
    private long notTaken;
    private long tooStrict;
    private final List<String> findings = new ArrayList<>();

    /** A search that begins at {@code firstSeed}. */
    public VmFuzz(long firstSeed) {
        this.firstSeed = firstSeed;
    }

    /** Is told about every finding at once, and now and then how far the search is. */
    public interface Listener {
        /** Something to look at. */
        void found(String text);

        /** After each program. */
        void done(VmFuzz sofar);
    }

    /** Goes on for {@code count} programs. */
    public void run(long count, Listener listener) {
        try (VmComparison comparison = new VmComparison()) {
            for (long end = programs + count; programs < end; ) {
                FuzzCase one = FuzzCase.of(nextSeed());
                note(one, comparison.compare(one), comparison, listener);
                programs++;
                listener.done(this);
            }
        }
    }

    private void note(FuzzCase one, Result result, VmComparison comparison, Listener listener) {
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
                show(differences, "seed " + one.seed() + ": " + comparison.reduced(one), listener);
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

    /** Where a later search can go on. */
    public long nextSeed() {
        return firstSeed + programs;
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
