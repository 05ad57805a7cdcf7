package graft.cli.policy;

import graft.syscalls.SyscallTable;
import graft.syscalls.decode.Call;
import graft.syscalls.decode.Memory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A call that a rule has matched: {@code struct matched_call} of {@code rules.h}.
 *
 * @param rule its number
 * @param mode that was on then
 */
record MatchedCall(Call call, int rule, Mode mode) {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final int ARGUMENTS_AT = 40;
    private static final int PATH_AT = 88;
    private static final int ADDRESS_AT = 96;
    private static final int ADDRESS_BYTES_AT = 104;
    private static final int PATH_BYTES_AT = 136;

    /** Copies a record of the ring buffer. */
    static MatchedCall of(MemorySegment event, SyscallTable table) {
        List<Long> arguments = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            arguments.add(event.get(LONG, ARGUMENTS_AT + i * Long.BYTES));
        }
        Map<Memory.Place, Memory> memory = new HashMap<>();
        add(memory, event, PATH_AT, PATH_BYTES_AT);
        add(memory, event, ADDRESS_AT, ADDRESS_BYTES_AT);
        long time = event.get(LONG, 0);
        Call call = new Call(
                table.call(event.get(INT, 16)).orElseThrow(),
                event.get(INT, 8),
                event.get(INT, 12),
                time,
                time,
                new Call.Outcome.Unfinished(),
                arguments,
                memory);
        return new MatchedCall(call, event.get(INT, 20), Mode.values()[event.get(INT, 28)]);
    }

    private static void add(Map<Memory.Place, Memory> memory, MemorySegment event, int head, int bytesAt) {
        int bytes = event.get(INT, head);
        if (bytes > 0) {
            byte[] copy = event.asSlice(bytesAt, bytes).toArray(ValueLayout.JAVA_BYTE);
            memory.put(new Memory.Place(event.get(INT, head + 4), 0), new Memory(MemorySegment.ofArray(copy), bytes));
        }
    }
}
