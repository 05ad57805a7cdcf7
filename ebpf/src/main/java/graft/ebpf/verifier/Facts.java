package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
import graft.ebpf.object.ArenaArea;
import graft.ebpf.object.ProgSpec;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What the walk over all paths learned about an accepted program. Accepted programs write only to their stack, to map
 * values and to ring buffer records, which needs no fact, and, when they are allowed to, to their context.
 *
 * @param contextFields the 8-byte fields of the context that are read (bit n: bytes 8n to 8n+7)
 * @param contextUse whether reads at constant offsets are all that happens to the context
 * @param helpers every helper that some path calls
 * @param mapOfCall for each helper call that takes a map, by slot: its name, when it is the same on all paths
 * @param frameBytes stack bytes a function uses, by its first slot, rounded up to 8
 * @param stackBytes the largest sum of frames along a chain of calls
 * @param frames the largest number of frames at the same time, 1 without local calls
 * @param walked instructions walked, over all paths
 * @param reachable slots that some path executes; anything else is dead code
 * @param takenBranches slots of conditional branches that can jump
 * @param fallenBranches slots of conditional branches that can fall through
 * @param arena what works on the program's arena
 * @param ownValues what works on values that every processor has its own of
 * @param writtenFields the 8-byte fields of the context that are written
 * @param unchangedMaps names of the maps whose memory the program leaves as it is, those included that it does not use
 * @param timerFunctions for each call that gives timers a function, by slot: the function's first slot, and the number that timers
 *     keep once a session has numbered them
 */
public record Facts(
        BitSet contextFields,
        ContextUse contextUse,
        Set<Helper> helpers,
        Map<Integer, String> mapOfCall,
        Map<Integer, Integer> frameBytes,
        int stackBytes,
        int frames,
        int walked,
        BitSet reachable,
        BitSet takenBranches,
        BitSet fallenBranches,
        ArenaUse arena,
        OwnValues ownValues,
        BitSet writtenFields,
        Set<String> unchangedMaps,
        Map<Integer, Integer> timerFunctions) {

    /**
     * Which instructions work on an arena.
     *
     * @param map its name, empty when there is none
     * @param area where it is
     * @param accesses slots of loads, stores and atomics through addresses of the arena
     * @param arithmetic slots of 64-bit arithmetic whose result is cut to 32 bits
     */
    public record ArenaUse(String map, ArenaArea area, BitSet accesses, BitSet arithmetic) {
        /** No arena. */
        public static final ArenaUse NONE = new ArenaUse("", ArenaArea.NONE, new BitSet(), new BitSet());

        /** Copies what can change. */
        public ArenaUse {
            accesses = (BitSet) accesses.clone();
            arithmetic = (BitSet) arithmetic.clone();
        }
    }

    /**
     * Which loads and stores work on values that every processor has its own of, in per-CPU maps.
     *
     * @param accesses slots that do on some path
     * @param aligned those of them whose address is a multiple of their size on all paths
     */
    public record OwnValues(BitSet accesses, BitSet aligned) {
        /** None. */
        public static final OwnValues NONE = new OwnValues(new BitSet(), new BitSet());

        /** Copies what can change. */
        public OwnValues {
            accesses = (BitSet) accesses.clone();
            aligned = (BitSet) aligned.clone();
        }
    }

    private static final int UNVERIFIED_FRAMES = 8;

    /** What becomes of the context pointer. */
    public enum ContextUse {
        /** Only read at the offsets in {@link Facts#contextFields}. */
        FIELDS_ONLY,
        /** Also given to a helper, or stored to memory. */
        ESCAPES
    }

    /** Copies what can change. */
    public Facts {
        contextFields = (BitSet) contextFields.clone();
        helpers = helpers.isEmpty() ? Set.of() : Set.copyOf(EnumSet.copyOf(helpers));
        mapOfCall = Map.copyOf(mapOfCall);
        frameBytes = Map.copyOf(frameBytes);
        reachable = (BitSet) reachable.clone();
        takenBranches = (BitSet) takenBranches.clone();
        fallenBranches = (BitSet) fallenBranches.clone();
        writtenFields = (BitSet) writtenFields.clone();
        unchangedMaps = Set.copyOf(unchangedMaps);
        timerFunctions = Map.copyOf(timerFunctions);
    }

    /** The facts of a program that leaves its context alone, has no timers, and may write to any map. */
    public Facts(
            BitSet contextFields,
            ContextUse contextUse,
            Set<Helper> helpers,
            Map<Integer, String> mapOfCall,
            Map<Integer, Integer> frameBytes,
            int stackBytes,
            int frames,
            int walked,
            BitSet reachable,
            BitSet takenBranches,
            BitSet fallenBranches,
            ArenaUse arena,
            OwnValues ownValues) {
        this(
                contextFields,
                contextUse,
                helpers,
                mapOfCall,
                frameBytes,
                stackBytes,
                frames,
                walked,
                reachable,
                takenBranches,
                fallenBranches,
                arena,
                ownValues,
                new BitSet(),
                Set.of(),
                Map.of());
    }

    /** The facts of a program that nobody has verified: everything may happen, every function uses its whole frame. */
    public static Facts unverified(ProgSpec program) {
        BitSet all = new BitSet();
        all.set(0, program.insns().slots());
        Map<Integer, Integer> frames = new HashMap<>();
        program.functions().forEach(function -> frames.put(function.firstSlot(), Frame.STACK_BYTES));
        return new Facts(
                new BitSet(),
                ContextUse.ESCAPES,
                Set.of(),
                Map.of(),
                frames,
                UNVERIFIED_FRAMES * Frame.STACK_BYTES,
                UNVERIFIED_FRAMES,
                0,
                all,
                all,
                all,
                ArenaUse.NONE,
                OwnValues.NONE);
    }

    /** The same with the maps of calls from somewhere else. */
    public Facts withMaps(Map<Integer, String> maps) {
        return with(maps, timerFunctions);
    }

    /** The same with numbers in place of the functions of timers. */
    public Facts withTimerFunctions(Map<Integer, Integer> numbers) {
        return with(mapOfCall, numbers);
    }

    private Facts with(Map<Integer, String> maps, Map<Integer, Integer> functions) {
        return new Facts(
                contextFields,
                contextUse,
                helpers,
                maps,
                frameBytes,
                stackBytes,
                frames,
                walked,
                reachable,
                takenBranches,
                fallenBranches,
                arena,
                ownValues,
                writtenFields,
                unchangedMaps,
                functions);
    }

    /** Whether the program calls a helper at all. */
    public boolean callsHelpers() {
        return !helpers.isEmpty();
    }
}
