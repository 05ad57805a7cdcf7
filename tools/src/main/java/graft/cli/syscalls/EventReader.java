package graft.cli.syscalls;

import graft.daemon.Executed;
import graft.syscalls.ArgumentKind;
import graft.syscalls.SyscallSpec;
import graft.syscalls.SyscallTable;
import graft.syscalls.decode.Call;
import graft.syscalls.decode.Memory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Makes calls of the program's events: what a call read comes when it begins, the rest when it ends. One thread. */
public final class EventReader {
    private static final int ENTER = 1;
    private static final int HEADER = 96;
    private static final int CHUNK = 16;
    private static final int UNREADABLE = 1;
    private static final String EXECVE = "execve";
    private static final Set<String> EXECUTIONS = Set.of("execve", "execveat");
    private static final Set<String> FORKS = Set.of("clone", "clone3", "fork", "vfork");
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private final SyscallTable table;
    private final Consumer<Call> receiver;
    private final Map<Integer, Call> begun = new HashMap<>();
    private final List<Executed> executed = new ArrayList<>();

    /** @param receiver gets each call when it has ended */
    public EventReader(SyscallTable table, Consumer<Call> receiver) {
        this.table = table;
        this.receiver = receiver;
    }

    /** Takes a record of the ring buffer and copies what it needs. */
    public void add(MemorySegment event) {
        boolean isEnter = event.get(INT, 0) == ENTER;
        Call part = call(event, isEnter);
        long time = event.get(LONG, 16);
        endExecutions(one -> one.pid() == part.pid() && one.nanos() < time);
        if (!isEnter) {
            ended(part);
        } else if (part.spec().result().equals(new ArgumentKind.Number(ArgumentKind.Form.NONE))) {
            begun.remove(part.tid());
            receiver.accept(with(part, part, new Call.Outcome.Never()));
        } else {
            begun.put(part.tid(), part);
        }
    }

    /** A program has been executed: its first event ends the call of the program before. */
    public void executed(Executed one) {
        executed.add(one);
    }

    private void endExecutions(Predicate<Executed> which) {
        if (executed.isEmpty()) {
            return;
        }
        executed.removeIf(one -> {
            boolean ends = which.test(one);
            Optional<Call> call = Optional.ofNullable(ends ? begun.get(one.tid()) : null)
                    .filter(beginning -> EXECUTIONS.contains(beginning.spec().name()));
            call.ifPresent(beginning -> {
                begun.remove(one.tid());
                receiver.accept(new Call(
                        beginning.spec(),
                        beginning.pid(),
                        beginning.tid(),
                        beginning.enteredNs(),
                        one.nanos(),
                        new Call.Outcome.Returned(0),
                        beginning.arguments(),
                        beginning.memory()));
            });
            return ends;
        });
    }

    private void ended(Call end) {
        Optional<Call> beginning = Optional.ofNullable(begun.remove(end.tid()))
                .filter(call -> call.spec().equals(end.spec()));
        if (!end.isWhole() && beginning.isEmpty()) {
            if (FORKS.contains(end.spec().name()) && end.outcome().equals(new Call.Outcome.Returned(0))) {
                return; // what a child sees of the call that made it
            }
            beginning = executed(end);
        }
        receiver.accept(beginning.map(call -> with(call, end, end.outcome())).orElse(end));
    }

    /** A thread that executes a program takes the place of the first, and its number. */
    private Optional<Call> executed(Call end) {
        if (!end.spec().name().equals(EXECVE)) {
            return Optional.empty();
        }
        Optional<Call> other = begun.values().stream()
                .filter(call -> call.pid() == end.pid() && call.spec().equals(end.spec()))
                .findFirst();
        other.ifPresent(call -> begun.remove(call.tid()));
        return other;
    }

    private static Call with(Call beginning, Call end, Call.Outcome outcome) {
        Map<Memory.Place, Memory> memory = new HashMap<>(beginning.memory());
        memory.putAll(end.memory());
        return new Call(
                beginning.spec(),
                beginning.pid(),
                beginning.tid(),
                beginning.enteredNs(),
                end.endedNs(),
                outcome,
                beginning.arguments(),
                memory);
    }

    /** The calls whose end has not come. To be asked when nothing more is read. */
    public List<Call> unfinished() {
        endExecutions(_ -> true);
        return List.copyOf(begun.values());
    }

    private Call call(MemorySegment event, boolean isEnter) {
        int number = event.get(INT, 12);
        SyscallSpec spec = table.call(number).orElseGet(() -> unknown(number));
        List<Long> arguments = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            arguments.add(event.get(LONG, 40 + i * 8L));
        }
        Call.Outcome outcome = isEnter ? new Call.Outcome.Unfinished() : new Call.Outcome.Returned(event.get(LONG, 32));
        return new Call(
                spec,
                event.get(INT, 4),
                event.get(INT, 8),
                event.get(LONG, 24),
                event.get(LONG, 16),
                outcome,
                arguments,
                memory(event));
    }

    private static SyscallSpec unknown(int number) {
        ArgumentKind decimal = new ArgumentKind.Number(ArgumentKind.Form.DEC);
        return new SyscallSpec(number, "syscall_0x" + Integer.toHexString(number), decimal, Set.of(), List.of());
    }

    private static Map<Memory.Place, Memory> memory(MemorySegment event) {
        Map<Memory.Place, Memory> memory = new HashMap<>();
        int chunks = event.get(INT, 88);
        long at = HEADER;
        for (int i = 0; i < chunks; i++) {
            int argument = event.get(ValueLayout.JAVA_BYTE, at);
            int index = Byte.toUnsignedInt(event.get(ValueLayout.JAVA_BYTE, at + 1));
            int flags = event.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 2);
            int bytes = event.get(INT, at + 4);
            if ((flags & UNREADABLE) == 0) {
                byte[] copy = event.asSlice(at + CHUNK, bytes).toArray(ValueLayout.JAVA_BYTE);
                memory.put(
                        new Memory.Place(argument, index),
                        new Memory(MemorySegment.ofArray(copy), event.get(LONG, at + 8)));
            }
            at += CHUNK + (bytes + 7 & -8);
        }
        return memory;
    }
}
