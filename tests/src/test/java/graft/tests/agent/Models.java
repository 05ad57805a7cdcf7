package graft.tests.agent;

import graft.platform.linux.Errno;
import graft.tests.agent.Histories.Event;
import graft.tests.agent.Histories.Model;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What maps are to whom operations come one after the other. The kinds are those of {@code agent-race.c}. */
final class Models {
    private static final int LOOKUP = 0;
    private static final int UPDATE_ANY = 1;
    private static final int UPDATE_NOEXIST = 2;
    private static final int UPDATE_EXIST = 3;
    private static final int DELETE = 4;
    private static final int PUSH = 5;
    private static final int PEEK = 7;

    private Models() {}

    /** One key of a hash that never is full. */
    record OneKey() implements Model<OptionalLong> {
        @Override
        public OptionalLong first() {
            return OptionalLong.empty();
        }

        @Override
        public Optional<OptionalLong> after(OptionalLong state, Event event) {
            int expected = switch (event.kind()) {
                case UPDATE_ANY -> 0;
                case UPDATE_NOEXIST -> state.isPresent() ? -Errno.EEXIST : 0;
                case LOOKUP, UPDATE_EXIST, DELETE -> state.isPresent() ? 0 : -Errno.ENOENT;
                default -> throw new AssertionError(event.toString());
            };
            if (event.result() != expected) {
                return Optional.empty();
            }
            if (event.result() != 0) {
                return Optional.of(state);
            }
            return switch (event.kind()) {
                case LOOKUP -> state.getAsLong() == event.value() ? Optional.of(state) : Optional.empty();
                case DELETE -> Optional.of(OptionalLong.empty());
                default -> Optional.of(OptionalLong.of(event.value()));
            };
        }
    }

    /**
     * Values in a row.
     *
     * @param kind where they come out
     */
    record Row(int most, RowKind kind) implements Model<List<Long>> {
        @Override
        public List<Long> first() {
            return List.of();
        }

        @Override
        public Optional<List<Long>> after(List<Long> state, Event event) {
            if (event.kind() == PUSH) {
                boolean full = state.size() == most;
                return event.result() != (full ? -Errno.E2BIG : 0)
                        ? Optional.empty()
                        : Optional.of(full ? state : with(state, event));
            }
            if (state.isEmpty() || event.result() != 0) {
                return state.isEmpty() && event.result() == -Errno.ENOENT ? Optional.of(state) : Optional.empty();
            }
            int out = kind == RowKind.STACK ? state.size() - 1 : 0;
            if (state.get(out) != event.value()) {
                return Optional.empty();
            }
            return Optional.of(event.kind() == PEEK ? state : without(state, out));
        }

        private static List<Long> with(List<Long> state, Event event) {
            List<Long> more = new ArrayList<>(state);
            more.add(event.value());
            return more;
        }

        private static List<Long> without(List<Long> state, int index) {
            List<Long> fewer = new ArrayList<>(state);
            fewer.remove(index);
            return fewer;
        }
    }

    /** At which end values come out. */
    enum RowKind {
        QUEUE,
        STACK
    }
}
