package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The exits of a function, when all of them can be patched: every {@code ret}, and no jump that leaves the function for good.
 * Nothing on the stack changes then, so exceptions, longjmp and backtraces are as before.
 */
final class ExitSites {
    private final TargetIndex index;
    private final FunctionRange function;
    private final List<X64Insn> insns;

    ExitSites(TargetIndex index, FunctionRange function) {
        this.index = index;
        this.function = function;
        this.insns = index.insns(function);
    }

    /** The result. */
    sealed interface Search {
        /** One window per exit, each ending with its {@code ret}. */
        record Found(List<Window> windows) implements Search {}

        /** Why exits alone would not see every return. */
        record None(String why) implements Search {}
    }

    Search find() {
        Optional<String> unknown = index.targetInside(function, function.end(), function.end());
        if (unknown.isPresent()) {
            return new Search.None(unknown.get());
        }
        Optional<RemoteAddress> indirect = index.indirectExit(function);
        if (indirect.isPresent()) {
            return new Search.None("it may leave by an indirect jump at " + indirect.get());
        }
        List<Window> windows = new ArrayList<>();
        for (int i = 0; i < insns.size(); i++) {
            X64Insn insn = insns.get(i);
            Optional<RemoteAddress> leaves = tailJump(insn);
            if (leaves.isPresent()) {
                return new Search.None("it leaves by a jump at " + insn.address());
            }
            if (insn.kind() == InsnKind.RET) {
                Optional<Window> window = windowFor(i);
                if (window.isEmpty()) {
                    return new Search.None("its exit at " + insn.address() + " has no room for a jump");
                }
                windows.add(window.get());
            }
        }
        return windows.isEmpty() ? new Search.None("it has no return instruction") : checkOverlap(windows);
    }

    private Optional<RemoteAddress> tailJump(X64Insn insn) {
        boolean jump = insn.kind() == InsnKind.JMP_REL || insn.kind() == InsnKind.JCC_REL;
        return jump
                ? insn.branchTarget().filter(target -> !function.contains(target) && !index.comesBack(function, target))
                : Optional.empty();
    }

    /** The return and padding behind it, or the return and instructions before it. */
    private Optional<Window> windowFor(int ret) {
        if (Window.forwardFrom(index.insnsAndPadding(function), ret, Window.JUMP_LENGTH)
                        instanceof Window.Search.Found(var window)
                && isFree(window)) {
            return Optional.of(window);
        }
        int first = ret;
        int length = insns.get(ret).length();
        while ((length < Window.JUMP_LENGTH || isPreempted(insns.get(first))) && first > 0) {
            first--;
            length += insns.get(first).length();
            if (!mayPrecedeReturn(insns.get(first))) {
                return Optional.empty();
            }
        }
        Window window = new Window(insns.subList(first, ret + 1), 0, Window.JUMP_LENGTH);
        return length >= Window.JUMP_LENGTH && !isPreempted(insns.get(first)) && isFree(window)
                ? Optional.of(window)
                : Optional.empty();
    }

    /** In Go one instruction makes room, and those between it and the return stay as they are. */
    private boolean isPreempted(X64Insn first) {
        return index.preemptionInside(function, first.address(), first.address().plus(Window.JUMP_LENGTH))
                .isPresent();
    }

    private static boolean mayPrecedeReturn(X64Insn insn) {
        return insn.kind() == InsnKind.PLAIN || insn.kind() == InsnKind.NOP || insn.kind() == InsnKind.JCC_REL;
    }

    /** The whole window, not only the five bytes: the return itself may be a branch target. */
    private boolean isFree(Window window) {
        RemoteAddress end = window.padding() > 0 ? window.patchEnd() : window.back();
        return index.targetInside(function, window.start(), end).isEmpty();
    }

    private static Search checkOverlap(List<Window> windows) {
        for (int i = 1; i < windows.size(); i++) {
            if (windows.get(i).start().compareTo(windows.get(i - 1).patchEnd()) < 0) {
                return new Search.None("two of its exits share their bytes");
            }
        }
        return new Search.Found(windows);
    }
}
