package graft.rewriter.plan;

import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.Code;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The test at the beginning of a Go function whether the goroutine's stack is long enough. When it is not, the stack is
 * moved and the function begins again: a program that shall see every call once runs behind the test. The test changes no
 * argument, and no goroutine is preempted between its comparison and its jump (cmd/internal/obj/x86, {@code stacksplit}).
 */
final class StackCheck {
    /** As far as the test is from the function's first instruction at most. */
    private static final int REACH = 8;

    /** {@code cmp 0x10(%r14), %rsp} and {@code %r12}; before Go 1.17 {@code cmp 0x10(%rcx), %rsp} and {@code %rax}. */
    private static final Set<Code> COMPARISONS =
            Set.of(Code.ofHex("493b6610"), Code.ofHex("4d3b6610"), Code.ofHex("483b6110"), Code.ofHex("483b4110"));

    private static final int JBE_SHORT = 0x76;
    private static final int JBE = 0x86;

    private StackCheck() {}

    /** The instructions up to the end of the test, if there is one. */
    static Optional<List<X64Insn>> in(List<X64Insn> function) {
        for (int at = 0; at + 1 < Math.min(REACH, function.size()); at++) {
            X64Insn jump = function.get(at + 1);
            boolean jumps = jump.isOneByteOpcode() && jump.opcode() == JBE_SHORT
                    || jump.isTwoByteOpcode() && jump.opcode() == JBE;
            if (jumps && COMPARISONS.contains(Code.of(function.get(at).bytes()))) {
                return Optional.of(function.subList(0, at + 2));
            }
        }
        return Optional.empty();
    }
}
