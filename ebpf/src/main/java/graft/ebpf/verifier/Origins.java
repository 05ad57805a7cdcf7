package graft.ebpf.verifier;

import java.util.HashMap;
import java.util.Map;

/** Numbers for things that are followed along a path, and the slots that created them. */
final class Origins {
    private final Map<Integer, Integer> slots = new HashMap<>();
    private int last;

    int next() {
        return ++last;
    }

    int nextAt(int slot) {
        slots.put(++last, slot);
        return last;
    }

    int of(int id) {
        return slots.getOrDefault(id, 0);
    }
}
