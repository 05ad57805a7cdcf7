package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Reg;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/** One walk over all paths of one program, depth first. */
final class Walk {
    private final ProgSpec prog;
    private final InsnList insns;
    private final Map<String, MapSpec> maps;
    private final ContextLayout context;
    private final Limits limits;
    private final Visits visits;
    private final Notes notes = new Notes();
    private final Origins origins = new Origins();
    private final Deque<Path> pending = new ArrayDeque<>();
    private Path path;
    private int walked;

    Walk(ProgSpec prog, Map<String, MapSpec> maps, ContextLayout context, Limits limits, FlowGraph graph) {
        this.prog = prog;
        this.insns = prog.insns();
        this.maps = maps;
        this.context = context;
        this.limits = limits;
        this.visits = new Visits(graph, Liveness.of(insns, graph), insns.slots());
        Frame entry = new Frame(0, Frame.NO_RETURN, 0);
        entry.registers[Reg.R1.number()] = Pointer.to(Value.Region.Context.CONTEXT);
        this.path = new Path(new AbstractState(entry), 0, Trail.START, null);
    }

    /** Walks to the end. @throws Refused at the first unmet obligation; {@link #slot} and {@link #trail} tell where */
    void run() {
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
        switch (visits.arrive(path)) {
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
        Insn insn = insns.at(slot);
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

    /** Remembers a step for the path that a rejection shows. */
    void visit(int slot) {
        path.passed(slot);
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

    ContextLayout context() {
        return context;
    }

    ProgType programType() {
        return prog.type();
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
        String name = Helper.byNumber(number).map(HelperTransfer::name).orElse("helper " + number);
        return name + " (insn " + slot + ")";
    }
}
