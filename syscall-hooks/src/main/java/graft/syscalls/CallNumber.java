package graft.syscalls;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.plan.SyscallPlace;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/** The constant that the straight line before a system call loads into eax. */
final class CallNumber {
    private static final int LOOK_BACK = 12;
    private static final int MOV_EAX_IMM32 = 0xb8;
    private static final int MOV_AL_IMM8 = 0xb0;
    private static final int HIGHEST = 0xfff;
    private static final byte[] MOV_RAX_IMM32 = {0x48, (byte) 0xc7, (byte) 0xc0};

    private CallNumber() {}

    /** That of the call at {@code insns[call]}; nothing when another way leads into the line. */
    static OptionalInt before(List<X64Insn> insns, int call, Set<RemoteAddress> targets) {
        if (targets.contains(insns.get(call).address())) {
            return OptionalInt.empty();
        }
        OptionalInt low = OptionalInt.empty();
        for (int i = call - 1; i >= Math.max(0, call - LOOK_BACK); i--) {
            X64Insn insn = insns.get(i);
            boolean loadsLow = insn.bytes().length == 2 && (insn.bytes()[0] & 0xff) == MOV_AL_IMM8;
            if (loadsLow && low.isEmpty()) {
                low = OptionalInt.of(insn.bytes()[1] & 0xff);
            }
            OptionalInt loaded = with(low, loaded(insn));
            if (loaded.isPresent()) {
                return loaded.getAsInt() >= 0 && loaded.getAsInt() <= HIGHEST ? loaded : OptionalInt.empty();
            }
            if (!loadsLow && !keepsEax(insn) || targets.contains(insn.address())) {
                return OptionalInt.empty();
            }
        }
        return OptionalInt.empty();
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

    private static OptionalInt loaded(X64Insn insn) {
        byte[] bytes = insn.bytes();
        boolean moveEax = bytes.length == 5 && (bytes[0] & 0xff) == MOV_EAX_IMM32;
        boolean moveRax = bytes.length == 7 && Arrays.equals(bytes, 0, 3, MOV_RAX_IMM32, 0, MOV_RAX_IMM32.length);
        if (moveEax || moveRax) {
            return OptionalInt.of(immediate(bytes));
        }
        boolean zero = (insn.isOneByteOpcode() && (insn.opcode() == 0x31 || insn.opcode() == 0x33))
                && insn.modrm().orElse(0) == 0xc0
                && insn.rexB() == 0
                && insn.registerField().orElse(1) == 0;
        return zero ? OptionalInt.of(0) : OptionalInt.empty();
    }

    /** Moves and xors whose destination is another register, and comparisons: all that compilers put between. */
    private static boolean keepsEax(X64Insn insn) {
        if (insn.kind() == InsnKind.NOP || insn.kind() == InsnKind.ENDBR64) {
            return true;
        }
        if (insn.kind() != InsnKind.PLAIN || !insn.isOneByteOpcode()) {
            return false;
        }
        int opcode = insn.opcode();
        boolean immediateToRegister = (opcode & 0xf8) == MOV_EAX_IMM32;
        if (immediateToRegister) {
            return ((opcode & 7) | insn.rexB()) != 0;
        }
        boolean otherDirect = insn.directRegister().orElse(1) != 0;
        boolean otherField = insn.registerField().orElse(0) != 0;
        return switch (opcode) {
            case 0x01, 0x09, 0x21, 0x29, 0x31, 0x81, 0x83, 0x88, 0x89, 0xc1, 0xc7 -> otherDirect;
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
