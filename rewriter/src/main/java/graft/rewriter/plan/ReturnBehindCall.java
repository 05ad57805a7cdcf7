package graft.rewriter.plan;

import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.stub.ReturnRoutines;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Whether the {@code ret} right behind a system call may return to a stub: the return address is at the stack pointer before
 * the call as well, where it can be replaced as that of a wrapped function.
 *
 * @param index the module's
 * @param unwinding who might meet the other address
 */
record ReturnBehindCall(TargetIndex index, Unwinding unwinding, Supplier<ReturnRoutines.Addresses> written) {
    private static final int RET = 0xc3;

    /** clone, fork, vfork, clone3: the child returns too, by the same word of the same stack or of a copy. */
    private static final Set<Integer> TWICE_RETURNING = Set.of(56, 57, 58, 435);

    boolean canBeWrapped(List<X64Insn> function, SyscallPlace call) {
        return unwinding == Unwinding.ABSENT
                && !index.hasGoroutines()
                && call.number().isPresent()
                && !TWICE_RETURNING.contains(call.number().getAsInt())
                && RedZoneUse.isNone(function)
                && isReturn(function, call);
    }

    private static boolean isReturn(List<X64Insn> function, SyscallPlace call) {
        return function.stream()
                .filter(insn -> insn.address().equals(call.end()))
                .anyMatch(insn -> insn.kind() == InsnKind.RET && insn.opcode() == RET);
    }

    ReturnRoutines.Addresses routines() {
        return written.get();
    }
}
