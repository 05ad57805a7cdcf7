package graft.ebpf.object;

import java.util.OptionalLong;

/**
 * Where the memory of an arena is. Addresses that are kept in it are of {@code start} and following; loads and stores go
 * by their low half alone, so an area never crosses a multiple of 4 GiB.
 *
 * @param start the address of the first byte
 * @param bytes whole pages
 * @param keptHigh the upper half of addresses that are kept, 0 when programs keep low halves only
 */
public record ArenaArea(long start, long bytes, long keptHigh) {
    /** No memory. */
    public static final ArenaArea NONE = new ArenaArea(0, 0, 0);

    /** {@code BPF_F_NO_USER_CONV}. */
    public static final int NO_CONVERSION = 1 << 18;

    private static final long DEFAULT_START = 1L << 44;
    private static final long PAGE = 4096;
    private static final long LOW = 0xffff_ffffL;

    /** The area of a map: where it asks for with {@code map_extra}, else at an address of graft's. */
    public static ArenaArea of(MapSpec map) {
        long start = map.extra() == 0 ? DEFAULT_START : map.extra();
        boolean converts = (map.flags() & NO_CONVERSION) == 0;
        return new ArenaArea(start, Integer.toUnsignedLong(map.maxEntries()) * PAGE, converts ? start & ~LOW : 0);
    }

    /** The low half of the first address. */
    public long low() {
        return start & LOW;
    }

    /** What is kept of an address. */
    public long kept(long address) {
        long low = address & LOW;
        return low == 0 ? 0 : keptHigh | low;
    }

    /** How far behind the start an access is, or nothing when not all of it is inside: then it does nothing. */
    public OptionalLong distance(long address, int offset, int size) {
        long distance = (address & LOW) + offset - low();
        return distance >= 0 && distance <= bytes - size ? OptionalLong.of(distance) : OptionalLong.empty();
    }
}
