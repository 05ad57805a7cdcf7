package graft.ebpf.jit;

import graft.ebpf.helper.Helper;
import graft.ebpf.maps.HashShape;
import graft.ebpf.object.MapType;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What compiled code must know about its target.
 *
 * @param maps by the name the program uses
 * @param helpers addresses of the agent's helpers; those that are missing cannot be called
 * @param tgid the process id that helpers report, when it may be folded into the code
 * @param tidOffset of the thread id from the thread pointer, when known for every thread
 * @param cpuOffset of the current processor's number (the {@code cpu_id} of rseq) from the thread pointer, when every
 *     thread has it registered
 * @param programs what can be tail called
 * @param mainStack where the target has the bounds of its main thread's stack
 */
public record TargetBinding(
        Map<String, MapBinding> maps,
        Map<Helper, Long> helpers,
        OptionalInt tgid,
        OptionalInt tidOffset,
        OptionalInt cpuOffset,
        Optional<ProgramTable> programs,
        Optional<StackBounds> mainStack) {

    /** A binding without programs to tail call, and without a stack. */
    public TargetBinding(
            Map<String, MapBinding> maps,
            Map<Helper, Long> helpers,
            OptionalInt tgid,
            OptionalInt tidOffset,
            OptionalInt cpuOffset) {
        this(maps, helpers, tgid, tidOffset, cpuOffset, Optional.empty(), Optional.empty());
    }

    /**
     * Where two 8-byte words are: the lowest address of the main thread's stack, and the first one behind it. While a function
     * runs on that stack, what lies between its frame and the end is there. Both are 0 when nothing is known.
     */
    public record StackBounds(long startAt, long endAt) {}

    /**
     * Where tail calls lead: 8-byte addresses of programs, each {@link CompiledProgram#tailEntry} bytes into its code. Maps of
     * programs hold numbers: n stands for the n-th address, 0 for none.
     *
     * @param programs how many addresses there are
     * @param signals whether any of them sends signals
     */
    public record ProgramTable(long address, int programs, RunSignals signals) {}

    /** Whether a run may send signals when it has ended. */
    public enum RunSignals {
        NONE,
        SENT
    }

    /**
     * One map in the target.
     *
     * @param descriptor address of the descriptor that helpers take
     * @param data address of the first value
     * @param maxEntries number of entries
     * @param stride bytes from one array value to the next
     * @param rows of a map that has all its values once for each processor
     * @param hash of a hash, when lookups may walk it in place
     * @param number of a ring buffer's descriptor, when records may be reserved in place
     */
    public record MapBinding(
            MapType type,
            long descriptor,
            long data,
            int maxEntries,
            int stride,
            Optional<Rows> rows,
            Optional<HashShape> hash,
            OptionalInt number) {
        /** A map whose values all processors share, or that only helpers look into. */
        public MapBinding(MapType type, long descriptor, long data, int maxEntries, int stride) {
            this(type, descriptor, data, maxEntries, stride, Optional.empty(), Optional.empty(), OptionalInt.empty());
        }
    }

    /**
     * The values of a map for each processor.
     *
     * @param bytes from the values of one processor to those of the next
     * @param count of processors
     */
    public record Rows(int bytes, int count) {}

    /** A binding without maps and helpers. */
    public static final TargetBinding NONE =
            new TargetBinding(Map.of(), Map.of(), OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty());

    /** The same for a compiler that leaves rows to helpers. */
    public TargetBinding withoutRows() {
        Map<String, MapBinding> plain = new HashMap<>();
        maps.forEach((name, map) -> plain.put(
                name,
                new MapBinding(
                        map.type(),
                        map.descriptor(),
                        map.data(),
                        map.maxEntries(),
                        map.stride(),
                        Optional.empty(),
                        map.hash(),
                        map.number())));
        return new TargetBinding(plain, helpers, tgid, tidOffset, cpuOffset, programs, mainStack);
    }

    /** Copies what can change. */
    public TargetBinding {
        maps = Map.copyOf(maps);
        helpers = Map.copyOf(helpers);
    }
}
