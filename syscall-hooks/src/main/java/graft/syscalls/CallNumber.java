package graft.syscalls;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.plan.SyscallPlace;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/** The constant that the straight line before a system call loads into eax. */
final class CallNumber {
    private static final int LOOK_BACK = 12;
    private static final int MOV_EAX_IMM32 = 0xb8;
    private static final int MOV_AL_IMM8 = 0xb0;
    private static final int MOV_IMM32 = 0xc7;
    private static final int MOV_STORE = 0x89;
    private static final int MOV_LOAD = 0x8b;
    private static final int HIGHEST = 0xfff;
    private static final int RAX = 0;
    private static final int RCX = 1;
    private static final int R11 = 11;
    private static final int NONE = -1;

    private CallNumber() {}

    /**
     * That of the call at {@code insns[call]}; nothing when another way leads into the line. It may come by another register,
     * which kept it from an earlier call on: libraries try a second time what an old kernel may not know.
     */
    static OptionalInt before(List<X64Insn> insns, int call, Set<RemoteAddress> targets) {
        if (targets.contains(insns.get(call).address())) {
            return OptionalInt.empty();
        }
        int register = RAX;
        OptionalInt low = OptionalInt.empty();
        for (int i = call - 1; i >= Math.max(0, call - LOOK_BACK); i--) {
            X64Insn insn = insns.get(i);
            boolean loadsLow = register == RAX && insn.bytes().length == 2 && (insn.bytes()[0] & 0xff) == MOV_AL_IMM8;
            if (loadsLow && low.isEmpty()) {
                low = OptionalInt.of(insn.bytes()[1] & 0xff);
            }
            OptionalInt loaded = with(low, loaded(insn, register));
            if (loaded.isPresent()) {
                return loaded.getAsInt() >= 0 && loaded.getAsInt() <= HIGHEST ? loaded : OptionalInt.empty();
            }
            OptionalInt source = register == RAX && low.isEmpty() ? copied(insn, register) : OptionalInt.empty();
            if (!loadsLow && source.isEmpty() && !keeps(insn, register) || targets.contains(insn.address())) {
                return OptionalInt.empty();
            }
            if (source.isPresent()) {
                register = source.getAsInt();
            }
        }
        return OptionalInt.empty();
    }

    /** Where {@code mov} has a register's value from: all of it, or as much as a number has. */
    private static OptionalInt copied(X64Insn insn, int register) {
        if (!insn.isOneByteOpcode() || insn.hasOperandSizePrefix() || insn.hasMemoryOperand()) {
            return OptionalInt.empty();
        }
        OptionalInt to = insn.opcode() == MOV_LOAD ? insn.registerField() : insn.directRegister();
        OptionalInt from = insn.opcode() == MOV_LOAD ? insn.directRegister() : insn.registerField();
        boolean moves = insn.opcode() == MOV_STORE || insn.opcode() == MOV_LOAD;
        return moves && to.equals(OptionalInt.of(register)) ? from : OptionalInt.empty();
    }

    /**
     * That of a call in a loop around itself, {@code again: mov %edx, %eax; syscall; jmp again}: nobody writes one but for a
     * call that never returns.
     */
    static OptionalInt inLoop(List<X64Insn> insns, int call) {
        boolean loops = call + 1 < insns.size() && insns.get(call + 1).kind() == InsnKind.JMP_REL;
        int register = 0;
        for (int i = call - 1; loops && i >= Math.max(0, call - LOOK_BACK); i--) {
            X64Insn insn = insns.get(i);
            boolean constant = insn.isOneByteOpcode() && (insn.opcode() & 0xf8) == MOV_EAX_IMM32 && insn.length() == 5;
            if (constant && (insn.opcode() & 7) == register) {
                OptionalInt number = OptionalInt.of(immediate(insn.bytes()));
                return new SyscallPlace(insns.get(call).address(), number).neverReturns()
                        ? number
                        : OptionalInt.empty();
            }
            boolean copies = insn.isOneByteOpcode()
                    && insn.opcode() == 0x89
                    && insn.directRegister().equals(OptionalInt.of(register));
            register = copies ? insn.registerField().orElseThrow() : register;
        }
        return OptionalInt.empty();
    }

    private static OptionalInt with(OptionalInt low, OptionalInt loaded) {
        return low.isPresent() && loaded.isPresent()
                ? OptionalInt.of(loaded.getAsInt() & ~0xff | low.getAsInt())
                : loaded;
    }

    private static OptionalInt loaded(X64Insn insn, int register) {
        if (!insn.isOneByteOpcode() || insn.hasOperandSizePrefix()) {
            return OptionalInt.empty();
        }
        boolean moves = (insn.opcode() & 0xf8) == MOV_EAX_IMM32
                && !insn.isWide()
                && ((insn.opcode() & 7) | insn.rexB()) == register;
        boolean moves32 = insn.opcode() == MOV_IMM32 && insn.directRegister().equals(OptionalInt.of(register));
        if (moves || moves32) {
            return OptionalInt.of(immediate(insn.bytes()));
        }
        boolean zero = (insn.opcode() == 0x31 || insn.opcode() == 0x33)
                && insn.directRegister().equals(OptionalInt.of(register))
                && insn.registerField().equals(OptionalInt.of(register));
        return zero ? OptionalInt.of(0) : OptionalInt.empty();
    }

    /** Moves and xors whose destination is another register, comparisons, branches away: all that compilers put between. */
    private static boolean keeps(X64Insn insn, int register) {
        return switch (insn.kind()) {
            case NOP, ENDBR64, JCC_REL -> true;
            case SYSCALL -> register != RAX && register != RCX && register != R11;
            case PLAIN -> insn.isOneByteOpcode() && keepsPlainly(insn, register);
            case JMP_REL,
                    JRCXZ_REL,
                    LOOP_REL,
                    CALL_REL,
                    CALL_INDIRECT,
                    JMP_INDIRECT,
                    XBEGIN_REL,
                    RET,
                    FAR,
                    TRAP,
                    INT3,
                    UNDEFINED,
                    HLT -> false;
        };
    }

    private static boolean keepsPlainly(X64Insn insn, int register) {
        int opcode = insn.opcode();
        if ((opcode & 0xf8) == MOV_EAX_IMM32) {
            return ((opcode & 7) | insn.rexB()) != register;
        }
        boolean otherDirect = insn.directRegister().orElse(NONE) != register;
        boolean otherField = insn.registerField().orElse(register) != register;
        return switch (opcode) {
            case 0x01, 0x09, 0x21, 0x29, 0x31, 0x81, 0x83, 0x89, 0xc1, 0xc7 -> otherDirect;
            case 0x88 -> insn.hasMemoryOperand();
            case 0x03, 0x0b, 0x23, 0x2b, 0x33, 0x63, 0x8b, 0x8d -> otherField;
            case 0x39, 0x3b, 0x84, 0x85 -> true;
            default -> opcode >= 0x50 && opcode <= 0x57; // push
        };
    }

    private static int immediate(byte[] bytes) {
        int at = bytes.length - Integer.BYTES;
        return bytes[at] & 0xff
                | (bytes[at + 1] & 0xff) << 8
                | (bytes[at + 2] & 0xff) << 16
                | (bytes[at + 3] & 0xff) << 24;
    }
}
