package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.FileOffset;

/**
 * One program header.
 *
 * @param type {@code p_type}
 * @param flags {@code p_flags}
 * @param offset where it begins in the file
 * @param address where it begins in memory
 * @param fileSize bytes in the file
 * @param memorySize bytes in memory; what exceeds {@code fileSize} is zero
 */
public record ElfSegment(
        int type,
        int flags,
        FileOffset offset,
        ElfVirtualAddress address,
        long fileSize,
        long memorySize,
        long alignment) {
    /** {@code PT_LOAD}. */
    public static final int LOAD = 1;

    /** {@code PT_DYNAMIC}. */
    public static final int DYNAMIC = 2;

    /** {@code PT_INTERP}. */
    public static final int INTERPRETER = 3;

    /** {@code PT_NOTE}. */
    public static final int NOTE = 4;

    /** {@code PF_X}. */
    public static final int EXECUTE = 1;

    /** {@code PF_W}. */
    public static final int WRITE = 2;

    /** {@code PF_R}. */
    public static final int READ = 4;

    /** Whether code may run from here. */
    public boolean isExecutable() {
        return (flags & EXECUTE) != 0;
    }

    boolean holds(FileOffset position) {
        return position.value() >= offset.value() && position.value() - offset.value() < fileSize;
    }

    boolean holds(ElfVirtualAddress position) {
        long distance = position.value() - address.value();
        return Long.compareUnsigned(distance, fileSize) < 0;
    }
}
