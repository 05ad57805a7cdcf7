package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import java.util.ArrayList;
import java.util.List;

/**
 * Adjacent instructions that make room for a jump, and the padding behind them that is overwritten too.
 *
 * @param insns the displaced instructions, at least one
 * @param padding bytes of unreachable padding that the jump needs as well
 * @param jump bytes of the jump
 */
record Window(List<X64Insn> insns, int padding, int jump) {
    /** Bytes of {@code jmp rel32}. */
    static final int JUMP_LENGTH = 5;

    /** Bytes of {@code jmp rel8}. */
    static final int SHORT_JUMP_LENGTH = 2;

    Window {
        insns = List.copyOf(insns);
    }

    /** What was found when looking for room. */
    sealed interface Search {
        record Found(Window window) implements Search {}

        record None(Planned.Reason reason, String why) implements Search {}
    }

    RemoteAddress start() {
        return insns.getFirst().address();
    }

    /** First byte that the jump leaves alone. */
    RemoteAddress patchEnd() {
        return start().plus(jump);
    }

    /** Where execution goes on after the displaced instructions. */
    RemoteAddress back() {
        return insns.getLast().end();
    }

    /** Whether no thread can be between two of the overwritten bytes. */
    boolean isSingle() {
        return insns.size() == 1;
    }

    /** Whether the jump reaches no further than 127 bytes. */
    boolean isShort() {
        return jump == SHORT_JUMP_LENGTH;
    }

    /** The window for {@code jump} bytes that begins with instruction {@code first} of the function. */
    static Search forwardFrom(List<X64Insn> function, int first, int jump) {
        List<X64Insn> taken = new ArrayList<>();
        int length = 0;
        int index = first;
        while (length < jump) {
            if (index >= function.size()) {
                return new Search.None(
                        Planned.Reason.TOO_SHORT,
                        "only " + length + " bytes from " + function.get(first).address() + " to the end");
            }
            X64Insn insn = function.get(index++);
            taken.add(insn);
            length += insn.length();
            if (insn.kind().endsFlow() && length < jump) {
                return withPadding(taken, jump - length, function, index);
            }
        }
        return new Search.Found(new Window(taken, 0, jump));
    }

    /** The shortest window for {@code jump} bytes that ends with the last of {@code insns}. */
    static Search upTo(List<X64Insn> insns, int jump) {
        int length = 0;
        for (int first = insns.size() - 1; first >= 0; first--) {
            length += insns.get(first).length();
            if (insns.get(first).kind().endsFlow()) {
                return new Search.None(
                        Planned.Reason.TOO_SHORT,
                        "what is before it does not lead there, from "
                                + insns.get(first).address() + " on");
            }
            if (length >= jump) {
                return new Search.Found(new Window(insns.subList(first, insns.size()), 0, jump));
            }
        }
        return new Search.None(Planned.Reason.TOO_SHORT, "only " + length + " bytes are before it");
    }

    /** The window for {@code jump} bytes that takes all of {@code insns}. */
    static Search all(List<X64Insn> insns, int jump) {
        Search search = upTo(insns, jump);
        return search instanceof Search.Found ? new Search.Found(new Window(insns, 0, jump)) : search;
    }

    /** After an instruction that never falls through, nops and int3 are dead and may be overwritten. */
    private static Search withPadding(List<X64Insn> taken, int needed, List<X64Insn> function, int next) {
        int found = 0;
        int index = next;
        while (found < needed && index < function.size() && isPadding(function.get(index))) {
            found += function.get(index++).length();
        }
        return found >= needed
                ? new Search.Found(new Window(taken, needed, length(taken) + needed))
                : new Search.None(
                        Planned.Reason.TOO_SHORT,
                        "only " + length(taken) + " bytes and " + found + " of padding at "
                                + taken.getFirst().address());
    }

    private static int length(List<X64Insn> insns) {
        return insns.stream().mapToInt(X64Insn::length).sum();
    }

    private static boolean isPadding(X64Insn insn) {
        return insn.kind() == InsnKind.NOP || insn.kind() == InsnKind.INT3;
    }
}
