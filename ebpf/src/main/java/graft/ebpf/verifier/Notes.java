package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
import graft.ebpf.object.ArenaArea;
import graft.ebpf.object.MapSpec;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What a walk collects for {@link Facts}. */
final class Notes {
    private final BitSet contextFields = new BitSet();
    private final BitSet writtenFields = new BitSet();
    private final Set<Helper> helpers = EnumSet.noneOf(Helper.class);
    private final Map<Integer, String> mapOfCall = new HashMap<>();
    private final Set<Integer> ambiguousCalls = new HashSet<>();
    private final Map<Integer, Integer> frameBytes = new HashMap<>();
    private final Map<Integer, Integer> timerFunctions = new HashMap<>();
    private final Set<Integer> calledBack = new HashSet<>();
    private final BitSet reachable = new BitSet();
    private final BitSet taken = new BitSet();
    private final BitSet fallen = new BitSet();
    private final Map<Arenas.Use, BitSet> onArena = new EnumMap<>(Arenas.Use.class);
    private final Map<Arenas.Use, BitSet> elsewhere = new EnumMap<>(Arenas.Use.class);
    private final BitSet onOwnValues = new BitSet();
    private final BitSet unaligned = new BitSet();
    private final Set<String> changedMaps = new HashSet<>();
    private Facts.ContextUse contextUse = Facts.ContextUse.FIELDS_ONLY;
    private int frames = 1;

    void reached(int slot) {
        reachable.set(slot);
    }

    void contextRead(int offset) {
        contextFields.set(offset / 8);
    }

    void contextWritten(int offset) {
        writtenFields.set(offset / 8);
    }

    /** A pointer is stored as data or given to a helper. */
    void passedOn(Pointer pointer) {
        if (pointer.region() == Value.Region.Context.CONTEXT) {
            contextUse = Facts.ContextUse.ESCAPES;
        }
    }

    void called(Helper helper) {
        helpers.add(helper);
    }

    void mapAt(int slot, String map) {
        String known = mapOfCall.putIfAbsent(slot, map);
        if (known != null && !known.equals(map)) {
            ambiguousCalls.add(slot);
        }
    }

    /** The map's memory is written, or may be by a helper. */
    void changes(MapSpec map) {
        changedMaps.add(map.name());
    }

    /** A call gives timers a function. @return whether it is the one that it has given on all paths yet */
    boolean timerFunction(int slot, int function) {
        Integer known = timerFunctions.putIfAbsent(slot, function);
        return known == null || known == function;
    }

    /** A helper calls a function before it returns. */
    void calledBack(int function) {
        calledBack.add(function);
    }

    /** Whether a function only ever runs later. */
    boolean runsLater(int function) {
        return timerFunctions.containsValue(function) && !calledBack.contains(function);
    }

    /** The functions that timers are given. */
    Set<Integer> timerFunctions() {
        return Set.copyOf(timerFunctions.values());
    }

    void stack(int function, Scalar offset) {
        int bytes = (int) ((-offset.wide().smin() + 7) & ~7);
        frameBytes.merge(function, bytes, Math::max);
    }

    /** Whether an instruction that works on the arena does so on all paths yet. */
    boolean usesArena(int slot, Arenas.Use use) {
        slots(onArena, use).set(slot);
        return !slots(elsewhere, use).get(slot);
    }

    /** Whether one that does not work on it does not on all paths yet. */
    boolean usesNoArena(int slot, Arenas.Use use) {
        slots(elsewhere, use).set(slot);
        return !slots(onArena, use).get(slot);
    }

    private static BitSet slots(Map<Arenas.Use, BitSet> sets, Arenas.Use use) {
        return sets.computeIfAbsent(use, _ -> new BitSet());
    }

    private Facts.ArenaUse arenaUse(MapSpec arena) {
        return new Facts.ArenaUse(
                arena.name(),
                ArenaArea.of(arena),
                slots(onArena, Arenas.Use.ACCESS),
                slots(onArena, Arenas.Use.ARITHMETIC));
    }

    /** An instruction works on a value of the processor's own on some path. */
    void onOwnValue(int slot) {
        onOwnValues.set(slot);
    }

    /** The address of an access need not be a multiple of its size. */
    void unaligned(int slot) {
        unaligned.set(slot);
    }

    private Facts.OwnValues ownValues() {
        BitSet aligned = (BitSet) onOwnValues.clone();
        aligned.andNot(unaligned);
        return new Facts.OwnValues(onOwnValues, aligned);
    }

    int frameBytes(int function) {
        return frameBytes.getOrDefault(function, 0);
    }

    void depth(int count) {
        frames = Math.max(frames, count);
    }

    void taken(int slot) {
        taken.set(slot);
    }

    void fallen(int slot) {
        fallen.set(slot);
    }

    Facts facts(int stackBytes, int walked, Optional<MapSpec> arena, Set<String> allMaps) {
        Set<String> unchanged = new HashSet<>(allMaps);
        unchanged.removeAll(changedMaps);
        Map<Integer, String> maps = new HashMap<>(mapOfCall);
        maps.keySet().removeAll(ambiguousCalls);
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
                taken,
                fallen,
                arena.map(this::arenaUse).orElse(Facts.ArenaUse.NONE),
                ownValues(),
                writtenFields,
                unchanged,
                timerFunctions);
    }
}
