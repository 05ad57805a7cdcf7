package graft.rewriter;

import graft.platform.address.RemoteAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * One patched place.
 *
 * @param address first byte that changes
 * @param symbol what people call the place: {@code SSL_write+0}
 * @param oldBytes what must be there now; anything else means "do not touch"
 * @param newBytes what will be there; same length
 * @param moved where each displaced instruction continues, for threads whose PC is inside the window
 * @param tactic how the place is reached
 * @param liveness whether threads must be stopped while the bytes change
 * @param checks what was proven, for people
 */
public record PatchSite(
        RemoteAddress address,
        String symbol,
        Code oldBytes,
        Code newBytes,
        List<MovedInsn> moved,
        Tactic tactic,
        Liveness liveness,
        List<String> checks) {

    public PatchSite {
        moved = List.copyOf(moved);
        checks = List.copyOf(checks);
        if (oldBytes.length() != newBytes.length()) {
            throw new IllegalArgumentException("a patch must not change the length of the text");
        }
    }

    /** An instruction displaced from {@code from} continues at {@code to}; {@code text} is its disassembly. */
    public record MovedInsn(RemoteAddress from, RemoteAddress to, Code bytes, String text) {}

    /** How the site reaches its stub (reference numbers: rewriting design, tactic order). */
    public enum Tactic {
        /** A nop of five or more bytes becomes the jump. */
        PADDING_NOP,
        /** One instruction of five or more bytes becomes the jump. */
        SINGLE_INSN,
        /** The displacement of an existing call or jump is retargeted. */
        RETARGET,
        /** Several instructions are displaced; no branch target is inside the window. */
        WINDOW,
        /** A short jump to unreachable padding nearby, which holds the jump. */
        SHORT_JUMP,
        /** A short jump to code nearby, which was moved to make room for the jump. */
        NEIGHBOUR
    }

    /** What live threads require. */
    public enum Liveness {
        /** No instruction boundary inside the changed bytes: no thread can be inside. */
        NO_INNER_BOUNDARY,
        /** Threads must be stopped and their program counters moved. */
        STOP_REQUIRED
    }

    /** The same, reached in another way. */
    public PatchSite with(Tactic other) {
        return new PatchSite(address, symbol, oldBytes, newBytes, moved, other, liveness, checks);
    }

    /** The same, whose stub runs programs at other places as well. */
    public PatchSite alsoRunning(Collection<RemoteAddress> places) {
        if (places.isEmpty()) {
            return this;
        }
        List<String> more = new ArrayList<>(checks);
        places.stream()
                .sorted()
                .forEach(place -> more.add("runs the probe at +" + place.minus(address)
                        + " of this place, too: nothing but this stub leads there"));
        return new PatchSite(address, symbol, oldBytes, newBytes, moved, tactic, liveness, more);
    }

    /** First byte after the changed bytes and the instructions that were moved: none of them runs here any more. */
    public RemoteAddress movedEnd() {
        return moved.stream()
                .map(insn -> insn.from().plus(insn.bytes().length()))
                .reduce(end(), (a, b) -> a.compareTo(b) > 0 ? a : b);
    }

    /** First byte after the changed bytes. */
    public RemoteAddress end() {
        return address.plus(oldBytes.length());
    }
}
