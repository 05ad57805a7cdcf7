package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Code near a place that can make room: instructions that nothing jumps between, which go on elsewhere, so that a long
 * jump to them and another long jump fit where they were. Leaves alone what other probes are likely to need: the first
 * bytes of functions, what is before a return, and what is around a system call.
 */
final class Neighbourhood {
    /** Bytes that are needed: a jump to the moved instructions, and behind it the one that there was no room for. */
    static final int ROOM = 2 * Window.JUMP_LENGTH;

    private static final int ENTRY = 16;
    private static final int EXIT = 8;
    private static final int CALL = 24;

    private final TargetIndex index;

    Neighbourhood(TargetIndex index) {
        this.index = index;
    }

    /** Room whose second jump begins within {@code [lowest, highest]}, in ascending order. */
    Stream<Window> rooms(RemoteAddress lowest, RemoteAddress highest) {
        if (index.hasGoroutines()) {
            return Stream.empty();
        }
        RemoteAddress first = lowest.plus(-Window.JUMP_LENGTH);
        RemoteAddress last = highest.plus(-Window.JUMP_LENGTH);
        return index.spans(first, last).stream().flatMap(span -> roomsIn(span, first, last));
    }

    private Stream<Window> roomsIn(FunctionRange span, RemoteAddress first, RemoteAddress last) {
        List<X64Insn> insns = index.insns(span);
        RemoteAddress body = span.start().plus(ENTRY);
        return IntStream.range(0, insns.size())
                .filter(at -> isWithin(insns.get(at).address(), max(first, body), last))
                .mapToObj(at -> Window.forwardFrom(insns, at, ROOM))
                .flatMap(search ->
                        search instanceof Window.Search.Found(var window) ? Stream.of(window) : Stream.empty())
                .filter(window -> window.padding() == 0 && canMove(window) && !isExit(window, insns))
                .filter(window -> !isNearCall(window, insns))
                .filter(window -> index.targetInsideAny(span, window.start(), window.patchEnd())
                        .isEmpty());
    }

    /** A moved call would cost the processor's prediction of its return. */
    private static boolean canMove(Window window) {
        return window.insns().stream().allMatch(insn -> switch (insn.kind()) {
            case PLAIN, NOP, JCC_REL, JMP_REL -> true;
            case LOOP_REL,
                    JRCXZ_REL,
                    CALL_REL,
                    CALL_INDIRECT,
                    JMP_INDIRECT,
                    RET,
                    XBEGIN_REL,
                    FAR,
                    SYSCALL,
                    TRAP,
                    INT3,
                    UNDEFINED,
                    HLT,
                    ENDBR64 -> false;
        });
    }

    private static boolean isExit(Window window, List<X64Insn> insns) {
        return insns.stream()
                .filter(insn -> insn.kind() == InsnKind.RET)
                .anyMatch(insn ->
                        isWithin(insn.address(), window.start(), window.back().plus(EXIT)));
    }

    /** Programs at the call need the code next to it, and who is cancelled there is known by where it is. */
    private static boolean isNearCall(Window window, List<X64Insn> insns) {
        return insns.stream()
                .filter(insn -> insn.kind() == InsnKind.SYSCALL)
                .anyMatch(insn -> isWithin(
                        insn.address(),
                        window.start().plus(-CALL),
                        window.back().plus(CALL)));
    }

    private static boolean isWithin(RemoteAddress address, RemoteAddress first, RemoteAddress last) {
        return address.compareTo(first) >= 0 && address.compareTo(last) <= 0;
    }

    private static RemoteAddress max(RemoteAddress a, RemoteAddress b) {
        return a.compareTo(b) >= 0 ? a : b;
    }
}
