package graft.ebpf.verifier;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Reg;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ProgSpec;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/** Functions with a signature of their own in BTF: walked once, alone, for whatever the signature allows. */
final class GlobalFunctions {
    private static final int GLOBAL = 1;
    private static final int MAX_ARGUMENTS = 5;

    private final Setting setting;
    private final FlowGraph graph;
    private final Set<Integer> walked = new HashSet<>();
    private final TreeSet<Integer> waiting = new TreeSet<>();

    GlobalFunctions(Setting setting, FlowGraph graph) {
        this.setting = setting;
        this.graph = graph;
    }

    /** The next function that is called and was not walked yet. */
    OptionalInt nextUnwalked() {
        if (waiting.isEmpty()) {
            return OptionalInt.empty();
        }
        int next = waiting.pollFirst();
        walked.add(next);
        return OptionalInt.of(next);
    }

    /** Whether the function that begins there is known to be one. */
    boolean isGlobal(int slot) {
        return signature(slot).isPresent();
    }

    private Optional<Signature> signature(int slot) {
        if (setting.objectTypes().isEmpty()) {
            return Optional.empty();
        }
        Btf types = setting.objectTypes().get();
        for (ProgSpec.Function function : setting.prog().functions()) {
            if (function.firstSlot() == slot
                    && function.btfType() != 0
                    && types.type(function.btfType()) instanceof BtfType.Function(var name, var prototype, var linkage)
                    && linkage == GLOBAL
                    && types.type(prototype) instanceof BtfType.Prototype signature) {
                return Optional.of(new Signature(types, function.btfType(), name, signature));
            }
        }
        return Optional.empty();
    }

    /** Checks a call of the function at {@code target}; false when it is not global and must be walked here. */
    static boolean call(Step step, int target) {
        GlobalFunctions globals = step.walk.globals();
        Optional<Signature> found = globals.signature(target);
        if (found.isEmpty()) {
            return false;
        }
        Signature signature = found.get();
        LockRules.requireNone(step.state, "global functions cannot be called while a spin lock is held");
        List<BtfType.Member> parameters = signature.prototype().parameters();
        requireFew(signature);
        for (int index = 0; index < parameters.size(); index++) {
            signature.checkArgument(step, Reg.of(index + 1), index);
        }
        if (!globals.walked.contains(target)) {
            globals.waiting.add(target);
        }
        step.walk.visit(step.slot);
        FrameTransfer.forgetArguments(step);
        if (globals.changesPackets(target)) {
            PacketRules.forgetPackets(step.state);
        }
        step.state.set(Reg.R0, Scalar.UNKNOWN);
        return true;
    }

    private static void requireFew(Signature signature) {
        if (signature.prototype().parameters().size() > MAX_ARGUMENTS) {
            throw new Refused(Finding.of(
                    Cause.BAD_ARGUMENT,
                    "global function " + signature.name() + " has more than five arguments",
                    "pass a pointer to a struct"));
        }
    }

    /** The state at the start of a global function. */
    AbstractState entry(int slot, Walk walk) {
        Signature signature = signature(slot).orElseThrow();
        Frame frame = new Frame(slot, Frame.NO_RETURN, 0);
        for (int index = 0; index < signature.prototype().parameters().size(); index++) {
            frame.registers[index + 1] = signature.argument(walk, index);
        }
        return new AbstractState(frame);
    }

    private boolean changesPackets(int target) {
        InsnList insns = setting.prog().insns();
        Set<Integer> seen = new HashSet<>();
        Deque<Integer> work = new ArrayDeque<>(List.of(target));
        while (!work.isEmpty()) {
            int function = work.pop();
            if (!seen.add(function)) {
                continue;
            }
            for (int slot = function; slot < insns.slots() && graph.functionOf(slot) == function; slot++) {
                if (insns.startsAt(slot)) {
                    switch (insns.at(slot)) {
                        case Insn.CallHelper(var number)
                        when HelperTransfer.changesPackets(number) -> {
                            return true;
                        }
                        case Insn.CallLocal(var distance) -> work.push(slot + 1 + distance);
                        default -> {}
                    }
                }
            }
        }
        return false;
    }

    /** A function's prototype and the tags of its arguments. */
    private record Signature(Btf types, int id, String name, BtfType.Prototype prototype) {
        private static final Set<String> CONTEXTS = Set.of(
                "__sk_buff",
                "xdp_md",
                "bpf_sock",
                "bpf_sock_addr",
                "bpf_sock_ops",
                "sk_msg_md",
                "bpf_perf_event_data",
                "bpf_raw_tracepoint_args",
                "bpf_cgroup_dev_ctx",
                "bpf_sysctl",
                "bpf_sockopt",
                "sk_reuseport_md",
                "bpf_sk_lookup",
                "bpf_nf_ctx",
                "pt_regs",
                "bpf_user_pt_regs_t");

        private boolean isTagged(int index, String tag) {
            return types.declarationTags(id, index).contains("arg:" + tag);
        }

        private String pointee(int target) {
            BtfType direct = types.type(target);
            return direct instanceof BtfType.Typedef typedef && CONTEXTS.contains(typedef.name())
                    ? typedef.name()
                    : types.resolved(target).typeName();
        }

        private boolean isContext(int index, int target) {
            return isTagged(index, "ctx") || CONTEXTS.contains(pointee(target));
        }

        void checkArgument(Step step, Reg reg, int index) {
            Value value = step.read(reg);
            switch (types.resolved(prototype.parameters().get(index).type())) {
                case BtfType.Pointer(var target) -> {
                    if (isContext(index, target)) {
                        boolean context = value instanceof Pointer pointer
                                && pointer.region() == Value.Region.Context.CONTEXT
                                && pointer.offset().is(0);
                        require(reg, context, "the program's context");
                    } else if (pointee(target).equals("bpf_dynptr")) {
                        boolean dynptr = value instanceof Pointer pointer
                                && (pointer.region() instanceof Value.Region.Stack
                                        || pointer.region() instanceof Value.Region.StackObject);
                        require(reg, dynptr, "a dynptr");
                    } else if (isTagged(index, "arena")) {
                        require(reg, value instanceof Scalar || Arenas.isAddress(value), "an address of the arena");
                    } else if (isTagged(index, "trusted")) {
                        boolean trusted = value instanceof Pointer pointer
                                && pointer.region() instanceof Value.Region.Kernel kernel
                                && kernel.trust() == Value.Region.Kernel.Trust.TRUSTED
                                && (!pointer.mayBeNull() || isTagged(index, "nullable"));
                        boolean none = isTagged(index, "nullable") && value instanceof Scalar zero && zero.is(0);
                        require(reg, trusted || none, "a trusted pointer");
                    } else {
                        checkMemory(step, reg, index, types.size(target));
                    }
                }
                case BtfType.Int _, BtfType.Enumeration _ -> require(reg, value instanceof Scalar, "a number");
                default -> throw bad(reg, "an argument of a type that global functions do not take");
            }
        }

        private void checkMemory(Step step, Reg reg, int index, long size) {
            require(reg, size > 0, "a pointer to something of known size");
            boolean nullable = !isTagged(index, "nonnull");
            Value value = step.read(reg);
            if (nullable && value instanceof Scalar scalar && scalar.is(0)) {
                return;
            }
            if (!(value instanceof Pointer pointer) || pointer.mayBeNull() && !nullable) {
                throw bad(reg, "a pointer that is not null");
            }
            Memory.Place place = new Memory.Place(reg, pointer.checked(), pointer.offset());
            Memory.readRange(step, place, size);
            Memory.writeRange(step, place, size, size);
        }

        private void require(Reg reg, boolean holds, String wanted) {
            if (!holds) {
                throw bad(reg, wanted);
            }
        }

        private Refused bad(Reg reg, String wanted) {
            return new Refused(Finding.of(
                    Cause.BAD_ARGUMENT,
                    reg,
                    "global function " + name + " takes " + wanted + " in " + reg,
                    "pass " + wanted));
        }

        Value argument(Walk walk, int index) {
            return switch (types.resolved(prototype.parameters().get(index).type())) {
                case BtfType.Pointer(var target) -> pointer(walk, index, target);
                case BtfType.Int _, BtfType.Enumeration _ -> Scalar.UNKNOWN;
                default -> throw bad(Reg.of(index + 1), "an argument of a type that global functions do not take");
            };
        }

        private Value pointer(Walk walk, int index, int target) {
            if (isContext(index, target)) {
                return Pointer.to(Value.Region.Context.CONTEXT);
            }
            if (pointee(target).equals("bpf_dynptr")) {
                return Pointer.to(new Value.Region.StackObject(new Value.Resident.Thing.Dynptr(
                        Value.Resident.Source.LOCAL, walk.origins().next(), 0, MapSpec.Access.READ_WRITE)));
            }
            if (isTagged(index, "arena")) {
                return Scalar.UNKNOWN;
            }
            if (isTagged(index, "trusted")) {
                String struct = types.resolved(target).typeName();
                int type = walk.setting()
                        .kernelTypes()
                        .map(kernel -> KernelMemory.idOf(kernel, struct))
                        .orElse(0);
                Value.Region region = new Value.Region.Kernel(type, struct, Value.Region.Kernel.Trust.TRUSTED, 0);
                return isTagged(index, "nullable")
                        ? new Pointer(region, Scalar.ZERO, walk.origins().next())
                        : Pointer.to(region);
            }
            Value.Region region = new Value.Region.Memory(
                    "what argument " + (index + 1) + " points to", types.size(target), MapSpec.Access.READ_WRITE, 0);
            return isTagged(index, "nonnull")
                    ? Pointer.to(region)
                    : new Pointer(region, Scalar.ZERO, walk.origins().next());
        }
    }
}
