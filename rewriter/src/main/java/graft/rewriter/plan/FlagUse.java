package graft.rewriter.plan;

import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import java.util.List;

/**
 * Whether a function takes something in the arithmetic flags, or gives something back in them. Compilers never do; code
 * written by hand does, between functions that know each other. Only what is plain to see counts.
 */
final class FlagUse {
    private static final int NEAR = 16;
    private static final int ADC = 2;
    private static final int SBB = 3;
    private static final int CMP = 7;

    /** What an instruction does with them. */
    private enum Effect {
        /** Nothing, or nothing that tells. */
        NONE,
        READ,
        /** Writes them beside a result in a register or in memory. */
        WRITE,
        /** Writes nothing else. */
        WRITE_ONLY,
        /** The next instruction is another one. */
        LEAVE
    }

    private FlagUse() {}

    /** Whether these instructions, a function's first, read flags that none of them wrote. */
    static boolean areTaken(List<X64Insn> insns) {
        for (X64Insn insn : insns.subList(0, Math.min(NEAR, insns.size()))) {
            Effect effect = effect(insn);
            if (effect != Effect.NONE) {
                return effect == Effect.READ;
            }
        }
        return false;
    }

    /** Whether these instructions, those before a {@code ret}, end with flags that none of them reads. */
    static boolean areGiven(List<X64Insn> insns) {
        for (X64Insn insn :
                insns.subList(Math.max(0, insns.size() - NEAR), insns.size()).reversed()) {
            Effect effect = effect(insn);
            if (effect != Effect.NONE) {
                return effect == Effect.WRITE_ONLY;
            }
        }
        return false;
    }

    /** Whether it overwrites all of them, reads none, and does nothing else. */
    static boolean isComparison(X64Insn insn) {
        if (insn.kind() != InsnKind.PLAIN || !insn.isOneByteOpcode()) {
            return false;
        }
        int opcode = insn.opcode();
        return switch (opcode) {
            case 0x80, 0x81, 0x83 -> operation(insn) == CMP;
            case 0x84, 0x85, 0xa8, 0xa9 -> true;
            case 0xf6, 0xf7 -> operation(insn) <= 1; // test
            default -> opcode >> 3 == CMP && (opcode & 7) < 6;
        };
    }

    private static Effect effect(X64Insn insn) {
        return switch (insn.kind()) {
            case JCC_REL -> Effect.READ;
            case NOP, ENDBR64, JRCXZ_REL -> Effect.NONE;
            case LOOP_REL -> insn.opcode() < 0xe2 ? Effect.READ : Effect.NONE;
            case PLAIN -> plain(insn);
            case JMP_REL,
                    CALL_REL,
                    CALL_INDIRECT,
                    XBEGIN_REL,
                    JMP_INDIRECT,
                    RET,
                    FAR,
                    SYSCALL,
                    TRAP,
                    INT3,
                    UNDEFINED,
                    HLT -> Effect.LEAVE;
        };
    }

    private static Effect plain(X64Insn insn) {
        if (insn.isTwoByteOpcode()) {
            return twoByte(insn);
        }
        return insn.isOneByteOpcode() ? oneByte(insn) : Effect.NONE;
    }

    private static Effect oneByte(X64Insn insn) {
        int opcode = insn.opcode();
        if (opcode < 0x40) {
            return (opcode & 7) < 6 ? arithmetic(opcode >> 3) : Effect.NONE;
        }
        return switch (opcode) {
            case 0x80, 0x81, 0x83 -> arithmetic(operation(insn));
            case 0x84, 0x85, 0xa8, 0xa9, 0x9d, 0x9e, 0xf8, 0xf9 -> Effect.WRITE_ONLY;
            case 0x9c, 0x9f, 0xf5 -> Effect.READ;
            case 0xa6, 0xa7, 0xae, 0xaf, 0x69, 0x6b -> Effect.WRITE;
            case 0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3 ->
                operation(insn) == ADC || operation(insn) == SBB ? Effect.READ : Effect.NONE; // rcl and rcr
            case 0xf6, 0xf7 -> unary(operation(insn));
            default -> Effect.NONE;
        };
    }

    private static Effect unary(int operation) {
        return switch (operation) {
            case 0, 1 -> Effect.WRITE_ONLY; // test
            case 2 -> Effect.NONE; // not
            default -> Effect.WRITE;
        };
    }

    private static Effect twoByte(X64Insn insn) {
        int opcode = insn.opcode();
        if (opcode >= 0x40 && opcode <= 0x4f || opcode >= 0x90 && opcode <= 0x9f) {
            return Effect.READ; // cmov and set
        }
        return switch (opcode) {
            case 0x2e, 0x2f, 0xa3 -> Effect.WRITE_ONLY; // comis, bt
            case 0xba -> operation(insn) == 4 ? Effect.WRITE_ONLY : Effect.WRITE;
            case 0xa4, 0xa5, 0xab, 0xac, 0xad, 0xaf, 0xb0, 0xb1, 0xb3, 0xb8, 0xbb, 0xbc, 0xbd, 0xc0, 0xc1 ->
                Effect.WRITE;
            default -> Effect.NONE;
        };
    }

    private static Effect arithmetic(int operation) {
        return switch (operation) {
            case ADC, SBB -> Effect.READ;
            case CMP -> Effect.WRITE_ONLY;
            default -> Effect.WRITE;
        };
    }

    private static int operation(X64Insn insn) {
        return insn.registerField().orElse(0) & 7;
    }
}
