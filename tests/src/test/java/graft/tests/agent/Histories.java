package graft.tests.agent;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Whether operations that overlapped may have happened one after the other, each at some moment between its beginning and its
 * end (J. Wing and C. Gong, JPDC 17, 1993): all orders are tried, and no state twice.
 */
final class Histories {
    /**
     * One operation.
     *
     * @param kind as {@code agent-race.c} numbers them
     * @param value what went in or came out
     * @param result 0 or a negated errno
     */
    record Event(int kind, long key, long value, int result, long from, long to) {}

    /**
     * What the operations work on.
     *
     * @param <S> its states, compared by value
     */
    interface Model<S> {
        S first();

        /** The state after the operation, or nothing when its result is impossible in this state. */
        Optional<S> after(S state, Event event);
    }

    private Histories() {}

    static <S> boolean isPossible(List<Event> events, Model<S> model) {
        List<Event> sorted = new ArrayList<>(events);
        sorted.sort(Comparator.comparingLong(Event::from));
        return new Search<>(sorted, model).from(0, model.first());
    }

    private static final class Search<S> {
        private record Tried(BitSet taken, Object state) {}

        private final List<Event> events;
        private final Model<S> model;
        private final BitSet taken = new BitSet();
        private final Set<Tried> tried = new HashSet<>();

        Search(List<Event> events, Model<S> model) {
            this.events = events;
            this.model = model;
        }

        /** @param first all events before it are taken */
        boolean from(int first, S state) {
            int open = taken.nextClearBit(first);
            if (open >= events.size()) {
                return true;
            }
            if (!tried.add(new Tried((BitSet) taken.clone(), state))) {
                return false;
            }
            // Whatever began after one that is open had ended comes after that one.
            long end = Long.MAX_VALUE;
            for (int i = open; i < events.size() && events.get(i).from() <= end; i = taken.nextClearBit(i + 1)) {
                end = Math.min(end, events.get(i).to());
                Optional<S> after = model.after(state, events.get(i));
                if (after.isPresent()) {
                    taken.set(i);
                    if (from(open, after.get())) {
                        return true;
                    }
                    taken.clear(i);
                }
            }
            return false;
        }
    }
}
