package graft.ebpf.verifier;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The calls and branches of a path, newest first; paths share their beginnings. */
record Trail(int slot, Trail before) {
    private static final int KEPT = 64;
    static final Trail START = new Trail(-1, null);

    /** The newest steps of the path in order, with {@code last} at the end. */
    List<Integer> upTo(int last) {
        List<Integer> slots = new ArrayList<>();
        slots.add(last);
        for (Trail step = this; step != START && slots.size() < KEPT; step = step.before) {
            if (slots.getLast() != step.slot) {
                slots.add(step.slot);
            }
        }
        Collections.reverse(slots);
        return slots;
    }
}
