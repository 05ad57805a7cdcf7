package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * {@code struct user_regs_struct} of x86-64 ({@code sys/user.h}): 27 words, read and written in place so that nothing is
 * allocated while a thread is stopped.
 */
public enum UserRegs {
    R15,
    R14,
    R13,
    R12,
    RBP,
    RBX,
    R11,
    R10,
    R9,
    R8,
    RAX,
    RCX,
    RDX,
    RSI,
    RDI,
    ORIG_RAX,
    RIP,
    CS,
    EFLAGS,
    RSP,
    SS,
    FS_BASE,
    GS_BASE,
    DS,
    ES,
    FS,
    GS;

    /** Size of the structure in bytes. */
    public static final long SIZE = 27 * 8;

    /** {@code cs} of a thread in 64-bit mode. */
    public static final long CS_64 = 0x33;

    /** This register's value in {@code regs}. */
    public long get(MemorySegment regs) {
        return regs.get(JAVA_LONG, ordinal() * 8L);
    }

    /** Changes this register in {@code regs}. */
    public void set(MemorySegment regs, long value) {
        regs.set(JAVA_LONG, ordinal() * 8L, value);
    }
}
