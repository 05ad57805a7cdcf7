package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Wide;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What functions of timers may do when programs run in processes: they themselves run in the daemon, by its interpreter, so there is no
 * process that they could ask about or read. Looked for in all their instructions, also those that no path reaches.
 */
final class TimerRules {
    private static final Set<Helper> HELPERS = EnumSet.of(
            Helper.MAP_LOOKUP_ELEM,
            Helper.MAP_UPDATE_ELEM,
            Helper.MAP_DELETE_ELEM,
            Helper.FOR_EACH_MAP_ELEM,
            Helper.KTIME_GET_NS,
            Helper.KTIME_GET_BOOT_NS,
            Helper.KTIME_GET_TAI_NS,
            Helper.GET_PRANDOM_U32,
            Helper.LOOP,
            Helper.TIMER_INIT,
            Helper.TIMER_SET_CALLBACK,
            Helper.TIMER_START,
            Helper.TIMER_CANCEL,
            Helper.RINGBUF_OUTPUT,
            Helper.RINGBUF_RESERVE,
            Helper.RINGBUF_SUBMIT,
            Helper.RINGBUF_DISCARD,
            Helper.RINGBUF_QUERY,
            Helper.RINGBUF_RESERVE_DYNPTR,
            Helper.RINGBUF_SUBMIT_DYNPTR,
            Helper.RINGBUF_DISCARD_DYNPTR,
            Helper.DYNPTR_FROM_MEM,
            Helper.DYNPTR_READ,
            Helper.DYNPTR_WRITE,
            Helper.DYNPTR_DATA,
            Helper.DYNPTR_ADJUST,
            Helper.DYNPTR_IS_NULL,
            Helper.DYNPTR_IS_RDONLY,
            Helper.DYNPTR_SIZE,
            Helper.DYNPTR_CLONE,
            Helper.DYNPTR_SLICE,
            Helper.DYNPTR_SLICE_RDWR,
            Helper.ITER_NUM_NEW,
            Helper.ITER_NUM_NEXT,
            Helper.ITER_NUM_DESTROY);

    private static final Set<MapType> MAPS = EnumSet.of(MapType.ARRAY, MapType.HASH, MapType.LRU_HASH, MapType.RINGBUF);

    private final ProgSpec prog;
    private final FlowGraph graph;
    private final Map<String, MapSpec> maps;

    private TimerRules(ProgSpec prog, FlowGraph graph, Map<String, MapSpec> maps) {
        this.prog = prog;
        this.graph = graph;
        this.maps = maps;
    }

    /** An instruction of such a function that is against them. */
    record Broken(int slot, Finding finding) {}

    /** @param functions their first slots */
    static Optional<Broken> broken(ProgSpec prog, FlowGraph graph, Set<Integer> functions, Map<String, MapSpec> maps) {
        TimerRules rules = new TimerRules(prog, graph, maps);
        Set<Integer> reached = rules.reached(functions);
        InsnList insns = prog.insns();
        for (int slot = 0; slot < insns.slots() && !reached.isEmpty(); slot++) {
            if (insns.startsAt(slot) && reached.contains(graph.functionOf(slot))) {
                Optional<Finding> finding = rules.finding(insns.at(slot));
                if (finding.isPresent()) {
                    return Optional.of(new Broken(slot, finding.get()));
                }
            }
        }
        return Optional.empty();
    }

    /** They and the functions that they call. */
    private Set<Integer> reached(Set<Integer> functions) {
        Set<Integer> reached = new TreeSet<>(functions);
        Deque<Integer> pending = new ArrayDeque<>(functions);
        InsnList insns = prog.insns();
        while (!pending.isEmpty()) {
            int function = pending.pop();
            for (int slot = 0; slot < insns.slots(); slot++) {
                if (insns.startsAt(slot) && graph.functionOf(slot) == function) {
                    int called = called(slot, insns.at(slot));
                    if (called >= 0 && reached.add(called)) {
                        pending.push(called);
                    }
                }
            }
        }
        return reached;
    }

    private static int called(int slot, Insn insn) {
        return switch (insn) {
            case Insn.CallLocal(int distance) -> slot + 1 + distance;
            case Insn.LoadWide(var _, Wide.Function(int function)) -> function;
            default -> -1; // it goes nowhere else
        };
    }

    private Optional<Finding> finding(Insn insn) {
        return switch (insn) {
            case Insn.CallHelper(int number) ->
                call(
                        Helper.byNumber(number),
                        Prototype.of(number).map(Prototype::name).orElse("helper " + number));
            case Insn.CallKernelFunction(String name) -> call(Helper.function(name), name);
            case Insn.CastAddress _ ->
                Optional.of(Finding.of(
                        Cause.BAD_CALLBACK,
                        "a timer's function runs in graft's own process, where there is no arena",
                        "run the program in the kernel"));
            case Insn.LoadWide(var _, Wide.MapPointer(String map)) -> map(map);
            case Insn.LoadWide(var _, Wide.MapValue(String map, long _)) -> map(map);
            default -> Optional.empty(); // the walk has checked it
        };
    }

    private static Optional<Finding> call(Optional<Helper> called, String name) {
        return called.filter(HELPERS::contains).isPresent()
                ? Optional.empty()
                : Optional.of(Finding.of(
                        Cause.BAD_CALLBACK,
                        "a timer's function runs in graft's own process, where %s does not exist".formatted(name),
                        "call it in the program and keep the result in the map, or run the program in the kernel"));
    }

    private Optional<Finding> map(String name) {
        return Optional.ofNullable(maps.get(name))
                .map(MapSpec::type)
                .filter(type -> !MAPS.contains(type))
                .map(type -> Finding.of(
                        Cause.BAD_CALLBACK,
                        "a timer's function runs in graft's own process, and map %s is of type %s"
                                .formatted(name, type),
                        "maps of the types ARRAY, HASH, LRU_HASH and RINGBUF, or run the program in the kernel"));
    }
}
