package graft.platform.linux;

/**
 * Pages of 2 MiB in shared memory. A processor keeps the addresses of few pages at hand, and in a virtual machine each of
 * the others costs two walks through tables: large shared memory that is used all over is a third faster in huge pages. A
 * file has them once somebody has asked for them ({@link SharedRegion#populate}); every mapping of it uses them whose
 * address and file offset have the same distance from a multiple of {@link #SIZE}.
 */
public final class HugePages {
    /** Bytes of one (x86-64 with four or five levels; arm64 with pages of 4 KiB). */
    public static final long SIZE = 2L << 20;

    private static final int MADV_COLLAPSE = 25;

    private HugePages() {}

    /** Whether {@code size} bytes have room for one. */
    public static boolean fit(long size) {
        return size >= SIZE;
    }

    /** The next multiple of {@link #SIZE} at or behind {@code address}. */
    public static long alignUp(long address) {
        return address + SIZE - 1 & -SIZE;
    }

    /**
     * {@code madvise(MADV_COLLAPSE)}, Linux 6.1: {@code size} bytes at {@code address}, both multiples of {@link #SIZE},
     * get huge pages, of which at least one small page must be there.
     *
     * @return false when there is no memory for them or the kernel does not know the call; nothing has changed then
     */
    static boolean collapse(long address, long size) {
        return Syscall.MADVISE.raw(address, size, MADV_COLLAPSE, 0, 0, 0) == 0;
    }
}
