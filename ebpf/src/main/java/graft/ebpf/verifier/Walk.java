package graft.ebpf.verifier;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Reg;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.SpecialField;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** One walk over all paths of one program, depth first. */
final class Walk {
    private final Setting setting;
    private final InsnList insns;
    private final Map<String, MapSpec> maps;
    private final Limits limits;
    private final Visits visits;
    private final Notes notes = new Notes();
    private final Origins origins = new Origins();
    private final Deque<Path> pending = new ArrayDeque<>();
    private final GlobalFunctions globals;
    private final Observer observer;
    private Optional<MapSpec> arena = Optional.empty();
    private boolean inGlobalFunction;
    private Path path;
    private int walked;
    private int starts;

    Walk(Setting setting, Map<String, MapSpec> maps, Limits limits, FlowGraph graph, Observer observer) {
        this.setting = setting;
        this.observer = observer;
        this.insns = setting.prog().insns();
        this.maps = maps;
        this.limits = limits;
        this.visits = new Visits(graph, Liveness.of(insns, graph), insns.slots());
        this.globals = new GlobalFunctions(setting, graph);
    }

    private AbstractState entry() {
        Frame entry = new Frame(0, Frame.NO_RETURN, 0);
        entry.registers[Reg.R1.number()] = Pointer.to(Value.Region.Context.CONTEXT);
        return new AbstractState(entry);
    }

    /**
     * Walks the program, then each global function that it calls, to the end.
     *
     * @throws Refused at the first unmet obligation; {@link #slot} and {@link #trail} tell where
     */
    void run() {
        path = new Path(entry(), 0, Trail.START, null);
        arena = Arenas.of(insns, maps);
        walkAll();
        for (OptionalInt next = globals.nextUnwalked(); next.isPresent(); next = globals.nextUnwalked()) {
            inGlobalFunction = true;
            path = new Path(globals.entry(next.getAsInt(), this), next.getAsInt(), Trail.START, null);
            walkAll();
        }
    }

    private void walkAll() {
        while (true) {
            boolean goesOn = step();
            if (!goesOn) {
                path.end();
                if (pending.isEmpty()) {
                    return;
                }
                path = pending.pop();
            }
        }
    }

    private boolean step() {
        int slot = path.slot();
        Insn insn = insns.at(slot);
        observer.arrived(slot, path.state());
        Visits.Arrival arrival = observer == Observer.NONE ? visits.arrive(path) : Visits.Arrival.GO_ON;
        switch (arrival) {
            case COVERED -> {
                return false;
            }
            case REPEATED ->
                throw new Refused(Finding.of(
                        Cause.INFINITE_LOOP,
                        "the same state comes back here, so the loop never ends",
                        "count the rounds and stop at a constant"));
            case GO_ON -> {}
        }
        if (++walked > limits.insns()) {
            throw new Refused(Finding.of(
                    Cause.TOO_COMPLEX,
                    limits.insns() + " instructions were walked without an end",
                    "shorten loops, or split the program"));
        }
        visits.walked(slot);
        notes.reached(slot);
        int following = slot + insn.slots();
        Step step = new Step(this, path.state(), slot, following);
        Transfer.dispatch(insn, step);
        if (step.next() == Step.END) {
            return false;
        }
        if (step.next() != following) {
            path.jumped();
        }
        path.moveTo(step.next());
        return true;
    }

    AbstractState fork(Step step, int target) {
        if (pending.size() >= limits.pending()) {
            throw new Refused(Finding.of(
                    Cause.TOO_COMPLEX,
                    "more than " + limits.pending() + " branches wait to be walked",
                    "use fewer branches in loops"));
        }
        path.jumped();
        AbstractState copy = step.state.copy();
        Path other = path.fork(copy, target);
        other.moveTo(target);
        pending.push(other);
        return copy;
    }

    /** Walks a function with a state of its own later: nothing is known about when it runs. */
    void start(AbstractState state, int target) {
        state.start(++starts);
        pending.push(new Path(state, target, path.trail(), null));
    }

    /** The last state kept at a slot on this path. */
    Optional<AbstractState> lastAt(int slot) {
        return visits.lastAt(path, slot);
    }

    GlobalFunctions globals() {
        return globals;
    }

    boolean isGlobalFunction() {
        return inGlobalFunction;
    }

    List<SpecialField> specialFields(MapSpec map) {
        return map.fields();
    }

    /** The arena that the program uses. */
    Optional<MapSpec> arena() {
        return arena;
    }

    /** The map that the values of a map of maps are like. */
    Optional<MapSpec> innerMap(MapSpec map) {
        return map.inner();
    }

    /** Remembers a step for the path that a rejection shows. */
    void visit(int slot) {
        path.passed(slot);
    }

    /** Slots of the stack are looked at, one bit each. */
    void reads(Frame frame, long slots) {
        path.reads(frame, slots);
    }

    int slot() {
        return path.slot();
    }

    Trail trail() {
        return path.trail();
    }

    int walked() {
        return walked;
    }

    Notes notes() {
        return notes;
    }

    Origins origins() {
        return origins;
    }

    Limits limits() {
        return limits;
    }

    Setting setting() {
        return setting;
    }

    Set<String> mapNames() {
        return maps.keySet();
    }

    MapSpec map(String name) {
        MapSpec map = maps.get(name);
        if (map == null) {
            throw new Refused(new Finding(
                    Cause.UNKNOWN_MAP, List.of(), "there is no map " + name + " in the collection", "define the map"));
        }
        return map;
    }

    /** The call that a pointer that may be null came from, as messages name it. */
    String describe(int nullId) {
        int slot = origins.of(nullId);
        boolean call = insns.startsAt(slot) && insns.at(slot) instanceof Insn.CallHelper;
        if (!call) {
            return "a call";
        }
        int number = ((Insn.CallHelper) insns.at(slot)).helper();
        String name = Prototype.of(number).map(Prototype::name).orElse("helper " + number);
        return name + " (insn " + slot + ")";
    }
}
