package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
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
    /** Kept free beside a neighbour, so that the heap and the loader can go on where they are used to. */
    private static final long DISTANCE = 64L << 20;

    private PoolPlacement() {}

    /** An occupied range. */
    public record Range(RemoteAddress start, RemoteAddress end) {}

    /**
     * The free range of {@code size} bytes that is nearest to {@code module}.
     *
     * @param occupied all mappings, ascending
     */
    public static Optional<RemoteAddress> choose(List<Range> occupied, Range module, long size) {
        Optional<Long> best = Optional.empty();
        long gapStart = LOWEST;
        for (int i = 0; i <= occupied.size(); i++) {
            long gapEnd = i < occupied.size() ? occupied.get(i).start().value() : HIGHEST;
            best = nearer(best, place(gapStart, Math.min(gapEnd, HIGHEST), module, size), module);
            if (i < occupied.size()) {
                gapStart = Math.max(gapStart, occupied.get(i).end().value());
            }
        }
        return best.filter(at -> reaches(at, module, size)).map(RemoteAddress::new);
    }

    private static Optional<Long> place(long gapStart, long gapEnd, Range module, long size) {
        long spare = gapEnd - gapStart - size;
        if (spare < 0) {
            return Optional.empty();
        }
        long margin = Math.min(DISTANCE, spare / 2);
        boolean below = gapEnd <= module.start().value();
        long at = below ? gapEnd - size - margin : gapStart + margin;
        long aligned = below ? at & -GRANULE : (at + GRANULE - 1) & -GRANULE;
        return aligned >= gapStart && aligned + size <= gapEnd ? Optional.of(aligned) : Optional.empty();
    }

    private static Optional<Long> nearer(Optional<Long> best, Optional<Long> candidate, Range module) {
        if (best.isEmpty() || candidate.isEmpty()) {
            return best.or(() -> candidate);
        }
        return distance(candidate.get(), module) < distance(best.get(), module) ? candidate : best;
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
