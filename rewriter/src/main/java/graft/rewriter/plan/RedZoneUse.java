package graft.rewriter.plan;

import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import java.util.List;
import java.util.OptionalInt;

/** How far below the stack pointer a function reaches without moving it: its red zone, or a frame that it never made. */
final class RedZoneUse {
    /** The lowest eight of the 128 bytes. */
    private static final int LOWEST = -120;

    private RedZoneUse() {}

    /** Whether no instruction can touch the lowest eight bytes of the red zone. */
    static boolean leavesLowestAlone(List<X64Insn> function) {
        return staysAbove(LOWEST, function);
    }

    /** Whether no instruction can touch any of it. */
    static boolean isNone(List<X64Insn> function) {
        return staysAbove(0, function);
    }

    private static boolean staysAbove(int lowest, List<X64Insn> function) {
        boolean calls = function.stream().anyMatch(insn -> isCall(insn.kind()));
        return function.stream().allMatch(insn -> staysAbove(lowest, insn, calls));
    }

    private static boolean isCall(InsnKind kind) {
        return kind == InsnKind.CALL_REL || kind == InsnKind.CALL_INDIRECT;
    }

    /** A function that calls others has nothing below its stack pointer, wherever its frame begins. */
    private static boolean staysAbove(int lowest, X64Insn insn, boolean calls) {
        OptionalInt base = insn.baseRegister();
        boolean stack = base.equals(OptionalInt.of(Gpr.RSP.number()));
        boolean frame = base.equals(OptionalInt.of(Gpr.RBP.number())) && !calls;
        return !stack && !frame || displacement(insn) >= lowest;
    }

    private static int displacement(X64Insn insn) {
        byte[] bytes = insn.bytes();
        int at = insn.dispOffset();
        if (at == 0) {
            return 0;
        }
        int mode = insn.modrm().orElseThrow() >> 6;
        boolean wide = mode == 2 || mode == 0;
        return wide
                ? bytes[at] & 0xff | (bytes[at + 1] & 0xff) << 8 | (bytes[at + 2] & 0xff) << 16 | bytes[at + 3] << 24
                : bytes[at];
    }
}
