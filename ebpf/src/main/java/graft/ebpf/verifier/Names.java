package graft.ebpf.verifier;

import java.util.Arrays;

/** Which name of a new state stands for which of an old one. A few at most, so that looking through them is fastest. */
final class Names {
    private int[] pairs = new int[16];
    private int end;

    void clear() {
        end = 0;
    }

    boolean knows(int old) {
        for (int index = 0; index < end; index += 2) {
            if (pairs[index] == old) {
                return true;
            }
        }
        return false;
    }

    /** The new name for {@code old}; it is {@code now} when there was none. */
    int partner(int old, int now) {
        for (int index = 0; index < end; index += 2) {
            if (pairs[index] == old) {
                return pairs[index + 1];
            }
        }
        if (end == pairs.length) {
            pairs = Arrays.copyOf(pairs, 2 * end);
        }
        pairs[end++] = old;
        pairs[end++] = now;
        return now;
    }
}
