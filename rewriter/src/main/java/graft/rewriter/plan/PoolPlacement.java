package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Chooses where a code pool goes: free addresses from which every byte of a module is within reach of a 32-bit
 * displacement. The same address space gives the same place.
 */
public final class PoolPlacement {
    private static final long REACH = (1L << 31) - (1 << 20);
    /** Small numbers on a stack would look like addresses in a pool further down, and no detach could call it unused. */
    private static final long LOWEST = 1L << 24;

    private static final long HIGHEST = 0x7fff_ffff_0000L;
    private static final long GRANULE = 0x10000;
    private static final long HUGE = 2L << 20;
    /** So many times what is placed in it, a gap has room on both sides. */
    private static final long LARGE = 8;

    /** Kept free beside a neighbour, so that the heap, the loader and arenas of malloc go on where they are used to. */
    private static final long DISTANCE = 256L << 20;

    private PoolPlacement() {}

    /** An occupied range. */
    public record Range(RemoteAddress start, RemoteAddress end) {}

    /** @param roomy whether much more is free around it: a small gap is where the next mapping of the process goes */
    private record Candidate(long at, boolean roomy) {}

    /**
     * The free range of {@code size} bytes that is nearest to {@code module} among those with much room around them, or
     * among all, when there are none.
     *
     * @param occupied all mappings, ascending
     */
    public static Optional<RemoteAddress> choose(List<Range> occupied, Range module, long size) {
        List<Candidate> candidates = new ArrayList<>();
        long gapStart = LOWEST;
        for (int i = 0; i <= occupied.size(); i++) {
            long gapEnd = i < occupied.size() ? occupied.get(i).start().value() : HIGHEST;
            place(gapStart, Math.min(gapEnd, HIGHEST), module, size)
                    .filter(candidate -> reaches(candidate.at(), module, size))
                    .ifPresent(candidates::add);
            if (i < occupied.size()) {
                gapStart = Math.max(gapStart, occupied.get(i).end().value());
            }
        }
        return candidates.stream()
                .min(Comparator.comparing((Candidate candidate) -> !candidate.roomy())
                        .thenComparingLong(candidate -> distance(candidate.at(), module)))
                .map(candidate -> new RemoteAddress(candidate.at()));
    }

    /**
     * {@code size} free bytes for data, wherever they are: inside the largest gap, as stacks and heaps grow at the ends of gaps,
     * and not in its middle, where the page of the handover is.
     *
     * @param occupied all mappings, ascending
     */
    public static Optional<RemoteAddress> inLargestGap(List<Range> occupied, long size) {
        long low = LOWEST;
        long largest = 0;
        long start = LOWEST;
        for (int i = 0; i <= occupied.size(); i++) {
            long end = i < occupied.size() ? occupied.get(i).start().value() : HIGHEST;
            if (end - start > largest && end > 0) {
                largest = end - start;
                low = start;
            }
            start = i < occupied.size() ? Math.max(start, occupied.get(i).end().value()) : start;
        }
        return largest >= LARGE * size ? Optional.of(new RemoteAddress(low + largest / 4 & -HUGE)) : Optional.empty();
    }

    private static Optional<Candidate> place(long gapStart, long gapEnd, Range module, long size) {
        long spare = gapEnd - gapStart - size;
        if (spare < 0) {
            return Optional.empty();
        }
        boolean roomy = spare >= 2 * DISTANCE;
        long margin = roomy ? DISTANCE : spare / 2;
        boolean below = gapEnd <= module.start().value();
        long at = below ? gapEnd - size - margin : gapStart + margin;
        long aligned = below ? at & -GRANULE : (at + GRANULE - 1) & -GRANULE;
        return aligned >= gapStart && aligned + size <= gapEnd
                ? Optional.of(new Candidate(aligned, roomy))
                : Optional.empty();
    }

    private static long distance(long at, Range module) {
        return Math.abs(at - module.start().value());
    }

    private static boolean reaches(long at, Range module, long size) {
        return reaches(new Range(new RemoteAddress(at), new RemoteAddress(at + size)), module);
    }

    /** Whether every byte of one range is within reach of every byte of the other. */
    public static boolean reaches(Range pool, Range module) {
        long low = Math.min(pool.start().value(), module.start().value());
        long high = Math.max(pool.end().value(), module.end().value());
        return high - low <= REACH;
    }
}
