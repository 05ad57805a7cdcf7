package graft.syscalls.decode;

import graft.syscalls.SyscallSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One system call of a thread.
 *
 * @param enteredNs when it began, 0 when that was before anybody looked; its arguments are not known then
 * @param endedNs when it ended, or when the last was heard of it
 * @param arguments six values, whatever the call takes
 * @param memory what was copied
 */
public record Call(
        SyscallSpec spec,
        int pid,
        int tid,
        long enteredNs,
        long endedNs,
        Outcome outcome,
        List<Long> arguments,
        Map<Memory.Place, Memory> memory) {
    /** How a call ended. */
    public sealed interface Outcome {
        /** It returned. */
        record Returned(long result) implements Outcome {}

        /** It does not return, as {@code exit}. */
        record Never() implements Outcome {}

        /** It is still under way. */
        record Unfinished() implements Outcome {}
    }

    public Call {
        arguments = List.copyOf(arguments);
        memory = Map.copyOf(memory);
    }

    long argument(int index) {
        return arguments.get(index);
    }

    Optional<Memory> memory(int argument) {
        return memory(argument, 0);
    }

    Optional<Memory> memory(int argument, int index) {
        return Optional.ofNullable(memory.get(new Memory.Place(argument, index)));
    }

    /** Whether its beginning was seen. */
    public boolean isWhole() {
        return enteredNs != 0;
    }

    /** The number of the error that it returned. */
    public Optional<Integer> error() {
        return outcome instanceof Outcome.Returned(long result) && result < 0 && result >= -4095
                ? Optional.of((int) -result)
                : Optional.empty();
    }

    /** The result when it returned one, an error as the negative number of the error. */
    long result() {
        return outcome instanceof Outcome.Returned(long result) ? result : 0;
    }
}
