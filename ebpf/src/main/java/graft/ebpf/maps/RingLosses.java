package graft.ebpf.maps;

/**
 * Records that never reached the reader, since the ring was made.
 *
 * @param full no room
 * @param busy another thread held the lock too long
 * @param reentered the reserving thread was interrupted inside its own reservation
 * @param dead the process died between reserve and submit
 */
public record RingLosses(long full, long busy, long reentered, long dead) {
    /** Nothing is lost. */
    public static final RingLosses NONE = new RingLosses(0, 0, 0, 0);

    /** All causes together. */
    public long total() {
        return full + busy + reentered + dead;
    }

    /** Those of two. */
    public RingLosses plus(RingLosses other) {
        return new RingLosses(full + other.full, busy + other.busy, reentered + other.reentered, dead + other.dead);
    }
}
