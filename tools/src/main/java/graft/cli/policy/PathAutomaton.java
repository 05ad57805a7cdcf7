package graft.cli.policy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * All paths of a policy as one automaton: a path is read once, and at its end it is known which patterns match. As
 * {@code struct automaton} of {@code rules.h}.
 */
public final class PathAutomaton {
    private static final int STATES = 2048;
    private static final int CLASSES = 128;
    private static final int BYTES = 256;
    private static final int START = 1;

    private final int[] classOf;
    private final List<int[]> next; // by state, then class
    private final List<Long> accepted;

    private PathAutomaton(int[] classOf, List<int[]> next, List<Long> accepted) {
        this.classOf = classOf;
        this.next = next;
        this.accepted = accepted;
    }

    /** The outcome of making one. */
    public sealed interface Making {
        /** The patterns fit. */
        record Made(PathAutomaton automaton) implements Making {}

        /** They do not; {@code why} says what there is too much of. */
        record TooLarge(String why) implements Making {}
    }

    /** Makes the automaton; the first pattern is bit 0. */
    public static Making of(List<PathPattern> patterns) {
        if (patterns.size() > Long.SIZE) {
            return new Making.TooLarge(patterns.size() + " different paths; " + Long.SIZE + " are possible");
        }
        PathGraph graph = new PathGraph(patterns);
        int[] classOf = classes(graph.byteSets());
        int classes = 1 + Arrays.stream(classOf).max().orElse(0);
        if (classes > CLASSES) {
            return new Making.TooLarge(classes + " different bytes in paths; " + CLASSES + " are possible");
        }
        int[] members = new int[classes];
        for (int b = 0; b < BYTES; b++) {
            members[classOf[b]] = b;
        }
        List<BitSet> sets = new ArrayList<>(List.of(new BitSet(), graph.beginning()));
        Map<BitSet, Integer> known = new HashMap<>(Map.of(sets.get(0), 0, sets.get(START), START));
        List<int[]> next = new ArrayList<>();
        for (int state = 0; state < sets.size(); state++) {
            int[] row = new int[classes];
            for (int i = 0; i < classes; i++) {
                BitSet set = graph.after(sets.get(state), members[i]);
                row[i] = known.computeIfAbsent(set, added -> {
                    sets.add(added);
                    return sets.size() - 1;
                });
            }
            next.add(row);
            if (sets.size() > STATES) {
                return new Making.TooLarge("the paths are too long in all: more than " + STATES + " places");
            }
        }
        return new Making.Made(new PathAutomaton(
                classOf, next, sets.stream().map(graph::accepted).toList()));
    }

    /** Bytes that every edge treats alike are one class. */
    private static int[] classes(List<BitSet> sets) {
        Map<BitSet, Integer> known = new HashMap<>();
        int[] classOf = new int[BYTES];
        for (int b = 0; b < BYTES; b++) {
            BitSet in = new BitSet();
            for (int i = 0; i < sets.size(); i++) {
                in.set(i, sets.get(i).get(b));
            }
            classOf[b] = known.computeIfAbsent(in, _ -> known.size());
        }
        return classOf;
    }

    /** The patterns that match, as bits: what the program finds. */
    public long matching(String path) {
        int state = START;
        for (byte b : path.getBytes(StandardCharsets.UTF_8)) {
            state = next.get(state)[classOf[Byte.toUnsignedInt(b)]];
        }
        return accepted.get(state);
    }

    /** How many places a path can lead to. */
    public int states() {
        return next.size();
    }

    /** The program's table. */
    byte[] table() {
        ByteBuffer out = ByteBuffer.allocate(BYTES + STATES * CLASSES * Short.BYTES + STATES * Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int b = 0; b < BYTES; b++) {
            out.put(b, (byte) classOf[b]);
        }
        for (int state = 0; state < next.size(); state++) {
            int[] row = next.get(state);
            for (int i = 0; i < row.length; i++) {
                out.putShort(BYTES + (state * CLASSES + i) * Short.BYTES, (short) row[i]);
            }
            out.putLong(BYTES + STATES * CLASSES * Short.BYTES + state * Long.BYTES, accepted.get(state));
        }
        return out.array();
    }
}
