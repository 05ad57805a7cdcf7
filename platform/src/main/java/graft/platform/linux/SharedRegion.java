package graft.platform.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * A shared mapping of a descriptor. Owns the mapping and the arena behind {@link #segment}: closing the region unmaps,
 * and every later access through the segment throws. Does not own the descriptor, which may be closed at once.
 *
 * <p>Any thread may use the segment. Closing while another thread is inside a native call with the segment fails.
 */
public final class SharedRegion implements AutoCloseable {
    /** What this process may do with the mapping. */
    public enum Access {
        READ_ONLY(Mman.PROT_READ),
        READ_WRITE(Mman.PROT_READ | Mman.PROT_WRITE);

        private final int protection;

        Access(int protection) {
            this.protection = protection;
        }
    }

    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

    private final Arena arena;
    private final MemorySegment segment;
    private final String what;

    private SharedRegion(Arena arena, MemorySegment segment, String what) {
        this.arena = arena;
        this.segment = segment;
        this.what = what;
    }

    /** Maps the first {@code size} bytes. */
    public static SharedRegion map(NativeFd fd, long size, Access access) {
        return map(fd, 0, size, access);
    }

    /** Maps {@code size} bytes from {@code offset}, which is a multiple of the page size. */
    public static SharedRegion map(NativeFd fd, long offset, long size, Access access) {
        long address = HugePages.fit(size) && offset % HugePages.SIZE == 0
                ? Mman.mmapAligned(size, access.protection, Mman.MAP_SHARED, fd, offset)
                : Mman.mmap(size, access.protection, Mman.MAP_SHARED, fd, offset);
        return at(address, size, access, fd);
    }

    /** Maps the first {@code size} bytes at an address that must be free; at 0, where the kernel likes. */
    public static SharedRegion mapAt(NativeFd fd, long address, long size, Access access) {
        return at(Mman.mmapAt(address, size, access.protection, fd), size, access, fd);
    }

    private static SharedRegion at(long address, long size, Access access, NativeFd fd) {
        Arena arena = Arena.ofShared();
        MemorySegment segment =
                MemorySegment.ofAddress(address).reinterpret(size, arena, mapped -> Mman.munmap(address, size));
        return new SharedRegion(arena, access == Access.READ_ONLY ? segment.asReadOnly() : segment, fd.toString());
    }

    /** The mapped bytes, borrowed: valid until {@link #close}. */
    public MemorySegment segment() {
        return segment;
    }

    /**
     * Lets the kernel find and clear all pages now, huge ones where they fit, on this process's time: later nobody who
     * maps the file pays for the first touch of a page, which costs microseconds. The region is writable.
     */
    public void populate() {
        long huge = size() & -HugePages.SIZE;
        touch(0, huge, HugePages.SIZE);
        if (huge > 0 && !HugePages.collapse(segment.address(), huge)) {
            touch(0, huge, Sysconf.pageSize());
        }
        touch(huge, size(), Sysconf.pageSize());
    }

    private void touch(long from, long end, long step) {
        for (long at = from; at < end; at += step) {
            INT.getAndAdd(segment, at, 0);
        }
    }

    /** Size in bytes as it was asked for. */
    public long size() {
        return segment.byteSize();
    }

    /** Unmaps. Safe to call twice. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    @Override
    public String toString() {
        return segment.byteSize() + " bytes of " + what;
    }
}
