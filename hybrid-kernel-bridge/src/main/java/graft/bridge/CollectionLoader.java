package graft.bridge;

import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.InsnList;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.KernelSection;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.platform.linux.Bpf;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SysException;
import graft.platform.linux.Sysconf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/** One load of a collection. What was created is closed again when anything is refused. */
final class CollectionLoader {
    private static final int LOG_BYTES = 1 << 20;

    private final CollectionSpec spec;
    private final Set<Integer> pids;
    private final Optional<NativeFd> types;
    private final Map<String, KernelMap> maps = new LinkedHashMap<>();
    private final Map<String, KernelMap> own = new LinkedHashMap<>();
    private final Map<String, KernelProg> programs = new LinkedHashMap<>();
    private final KernelSymbols symbols = new KernelSymbols(maps);

    CollectionLoader(CollectionSpec spec, Set<Integer> pids, Optional<NativeFd> types) {
        this.spec = spec;
        this.pids = Set.copyOf(pids);
        this.types = types;
    }

    KernelLoad load(Map<String, KernelMap> shared) {
        KernelCollection collection = new KernelCollection(maps, own, programs);
        Optional<KernelLoad> obstacle = Optional.empty();
        for (MapSpec map : spec.maps().values()) {
            obstacle = obstacle.or(() -> map(map, Optional.ofNullable(shared.get(map.name()))));
        }
        for (MapSpec map : spec.maps().values()) {
            if (obstacle.isEmpty() && map.type().holdsMaps() && own.containsKey(map.name())) {
                obstacle = filled(map);
            }
        }
        for (ProgSpec prog : spec.programs().values()) {
            obstacle = obstacle.or(() -> program(prog));
        }
        for (MapSpec map : spec.maps().values()) {
            if (obstacle.isEmpty() && map.type() == MapType.PROG_ARRAY && own.containsKey(map.name())) {
                obstacle = programsInto(map);
            }
        }
        if (obstacle.isPresent()) {
            collection.close();
            return obstacle.get();
        }
        return new KernelLoad.Loaded(collection);
    }

    private Optional<KernelLoad> map(MapSpec map, Optional<KernelMap> shared) {
        if (shared.isPresent()) {
            maps.put(map.name(), shared.get());
            return sameShape(map, shared.get().spec());
        }
        try {
            KernelMap created = KernelMap.create(sized(map), types);
            own.put(map.name(), created);
            maps.put(map.name(), created);
            return Optional.empty();
        } catch (SysException failed) {
            return refused("map " + map.name(), failed);
        }
    }

    /** Puts maps into a map of maps. */
    private Optional<KernelLoad> filled(MapSpec map) {
        for (MapSpec.Slot slot : map.slots()) {
            if (!maps.containsKey(slot.name()) || map.keySize() != Integer.BYTES) {
                return Optional.of(new KernelLoad.Refused(
                        "map " + map.name(),
                        slot.name() + " cannot go in at " + slot.index(),
                        "maps of this object, and keys of 4 bytes"));
            }
            try {
                own.get(map.name())
                        .update(
                                number(slot.index()),
                                number(maps.get(slot.name()).fd().number()),
                                0);
            } catch (SysException failed) {
                return refused("map " + map.name(), failed);
            }
        }
        return Optional.empty();
    }

    /** Puts programs into an array of programs. */
    private Optional<KernelLoad> programsInto(MapSpec map) {
        for (MapSpec.Slot slot : map.slots()) {
            KernelProg program = programs.get(slot.name());
            if (program == null) {
                return Optional.of(new KernelLoad.Refused(
                        "map " + map.name(),
                        "program " + slot.name() + " is to go in at " + slot.index() + " and is not loaded",
                        "programs of this object that are not left out"));
            }
            try {
                own.get(map.name())
                        .update(number(slot.index()), number(program.fd().number()), 0);
            } catch (SysException failed) {
                return refused("map " + map.name(), failed);
            }
        }
        return Optional.empty();
    }

    private static byte[] number(int number) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(number)
                .array();
    }

    private static Optional<KernelLoad> sameShape(MapSpec map, MapSpec shared) {
        if (map.type() == shared.type() && map.keySize() == shared.keySize() && map.valueSize() == shared.valueSize()) {
            return Optional.empty();
        }
        String why = "it is to be shared, but the other is a %s with keys of %d and values of %d bytes"
                .formatted(shared.type(), shared.keySize(), shared.valueSize());
        return Optional.of(new KernelLoad.Refused("map " + map.name(), why, "define it alike in both objects"));
    }

    /** A perf event array without a size has one entry for each CPU. */
    private static MapSpec sized(MapSpec map) {
        if (map.type() != MapType.PERF_EVENT_ARRAY || map.maxEntries() != 0) {
            return map;
        }
        return MapSpec.of(map.name(), map.type(), map.keySize(), map.valueSize(), Sysconf.possibleCpus());
    }

    private Optional<KernelLoad> program(ProgSpec prog) {
        return switch (prog.type()) {
            case UPROBE, URETPROBE, UPROBE_SESSION, USDT -> program(prog, Bpf.PROG_TYPE_KPROBE, Set.of());
            case SYSCALL_ENTER, SYSCALL_EXIT, KERNEL_TRACEPOINT -> program(prog, Bpf.PROG_TYPE_TRACEPOINT, pids);
            case RAW_SYSCALL_ENTER, RAW_SYSCALL_EXIT -> program(prog, Bpf.PROG_TYPE_RAW_TRACEPOINT, pids);
            case KSYSCALL, KRETSYSCALL -> program(prog, Bpf.PROG_TYPE_KPROBE, pids);
            case OTHER ->
                Optional.of(new KernelLoad.Refused(
                        "program " + prog.name(),
                        "section " + prog.section() + " is of no kind that graft loads into the kernel",
                        "use uprobe, uretprobe or tracepoint sections"));
        };
    }

    private Optional<KernelLoad> program(ProgSpec prog, int type, Set<Integer> filter) {
        InsnList insns = PidFilter.inFrontOf(prog.insns(), filter);
        int shift = PidFilter.slots(filter);
        byte[] code;
        try {
            code = InsnEncoder.encode(insns, symbols);
        } catch (IllegalArgumentException e) {
            return Optional.of(new KernelLoad.Refused(
                    "program " + prog.name(), e.getMessage(), "leave the call out, or use a kernel that has it"));
        }
        Bpf.ProgAttributes attributes = new Bpf.ProgAttributes(
                prog.name(),
                type,
                code,
                prog.license(),
                functionTypes(types, prog, shift),
                KernelLink.attachType(prog),
                flags(prog));
        try {
            programs.put(prog.name(), new KernelProg(prog, Bpf.progLoad(attributes)));
            return Optional.empty();
        } catch (SysException failed) {
            VerifierLog log = new VerifierLog(Bpf.progLog(attributes, LOG_BYTES));
            return log.isEmpty() ? refused("program " + prog.name(), failed) : Optional.of(log.rejected(prog, shift));
        }
    }

    private static int flags(ProgSpec prog) {
        return prog.kernelSection()
                .filter(section -> section.sleep() == KernelSection.Sleep.ALLOWED)
                .map(_ -> Bpf.SLEEPABLE)
                .orElse(0);
    }

    /** The kernel wants the types of all functions or of none. */
    static Bpf.FunctionTypes functionTypes(Optional<NativeFd> types, ProgSpec prog, int shift) {
        boolean known = prog.functions().stream().allMatch(function -> function.btfType() != 0);
        if (types.isEmpty() || !known) {
            return Bpf.FunctionTypes.NONE;
        }
        int[] records = prog.functions().stream()
                .flatMapToInt(function ->
                        IntStream.of(function.firstSlot() == 0 ? 0 : function.firstSlot() + shift, function.btfType()))
                .toArray();
        return new Bpf.FunctionTypes(types.get().number(), records);
    }

    private static Optional<KernelLoad> refused(String what, SysException failed) {
        String suggestion = failed.is(Errno.EPERM)
                ? "run as root, or with CAP_BPF and CAP_PERFMON"
                : "check the definition against the kernel's limits";
        return Optional.of(new KernelLoad.Refused(what, failed.getMessage(), suggestion));
    }
}
