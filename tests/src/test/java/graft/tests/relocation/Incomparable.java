package graft.tests.relocation;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.X64Insn;

/** Instructions whose effect differs from run to run, or that would take the ground from under the runner. */
final class Incomparable {
    private static final int NEAR = 64;

    private Incomparable() {}

    /** Whether an instruction of a window from {@code start} to {@code end} cannot be compared. */
    static boolean is(X64Insn insn, RemoteAddress start, RemoteAddress end) {
        boolean repeatsItself = insn.branchTarget().filter(start::equals).isPresent();
        boolean readsItself = insn.ripTarget()
                .filter(target -> target.plus(NEAR).compareTo(start) > 0
                        && target.plus(-NEAR).compareTo(end) < 0)
                .isPresent();
        return repeatsItself || readsItself || changesTheMachine(insn) || notesWhereItIs(insn);
    }

    /** Clocks, random numbers, processor numbers, segments, stepping, state in one piece. */
    private static boolean changesTheMachine(X64Insn insn) {
        int opcode = insn.opcode();
        if (insn.isOneByteOpcode()) {
            return opcode == 0x9d || opcode == 0x8e;
        }
        if (!insn.isTwoByteOpcode()) {
            return false;
        }
        return switch (opcode) {
            case 0x00, 0x01, 0x31, 0xa2, 0xae, 0xa1, 0xa9 -> true;
            case 0xc7 -> insn.registerField().orElse(0) != 1;
            default -> false;
        };
    }

    /** The x87 unit stores the address of its last instruction. */
    private static boolean notesWhereItIs(X64Insn insn) {
        boolean environment = insn.opcode() == 0xd9 || insn.opcode() == 0xdd;
        return insn.isOneByteOpcode()
                && environment
                && insn.hasMemoryOperand()
                && insn.registerField().orElse(0) % 8 == 6;
    }
}
