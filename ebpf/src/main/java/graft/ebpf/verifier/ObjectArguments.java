package graft.ebpf.verifier;

import graft.ebpf.btf.Btf;
import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Reg;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.SpecialField;
import graft.ebpf.verifier.Prototype.DynptrUse;
import graft.ebpf.verifier.Prototype.Null;
import graft.ebpf.verifier.Value.Region.Kernel.Trust;
import graft.ebpf.verifier.Value.Resident.Source;
import graft.ebpf.verifier.Value.Resident.Thing;
import java.util.Optional;
import java.util.Set;

/** Arguments that are objects rather than memory: records, sockets, kernel structs, dynptrs, callbacks. */
final class ObjectArguments {
    private static final Set<String> SOCKET_STRUCTS = Set.of(
            "sock",
            "sock_common",
            "tcp_sock",
            "tcp6_sock",
            "udp6_sock",
            "inet_sock",
            "unix_sock",
            "request_sock",
            "tcp_request_sock",
            "tcp_timewait_sock",
            "inet_connection_sock",
            "mptcp_sock");

    private static final Set<Integer> SLICES =
            Set.of(Helper.DYNPTR_DATA.number(), Helper.DYNPTR_SLICE.number(), Helper.DYNPTR_SLICE_RDWR.number());

    private final Step step;
    private final Prototype helper;
    private int reference;
    private Optional<Thing.Dynptr> dynptr = Optional.empty();
    private Value.Region perCpu = new Value.Region.Memory("a per-CPU variable", 0, MapSpec.Access.READ_ONLY, 0);
    private Optional<Value.Region.Function> callback = Optional.empty();
    private Value callbackContext = Value.Nothing.UNINITIALISED;
    private Optional<MapSpec> map = Optional.empty();

    ObjectArguments(Step step, Prototype helper) {
        this.step = step;
        this.helper = helper;
    }

    int reference() {
        return reference;
    }

    int dynptr() {
        return dynptr.orElseThrow().id();
    }

    MapSpec.Access sliceAccess() {
        return dynptr.orElseThrow().access();
    }

    Value.Region perCpu() {
        return perCpu;
    }

    void enterCallback() {
        if (callback.isPresent()) {
            Callbacks.enter(step, helper, callback.get(), new Callbacks.Given(map, callbackContext));
        }
    }

    Refused badArgument(Reg reg, String wanted) {
        return new Refused(Finding.of(
                Cause.BAD_ARGUMENT, reg, helper.name() + " takes " + wanted + " in " + reg, "pass " + wanted));
    }

    private boolean isNull(Reg reg) {
        return step.read(reg) instanceof Scalar scalar && scalar.is(0);
    }

    private Pointer known(Reg reg, String wanted) {
        if (!(step.read(reg) instanceof Pointer pointer)) {
            throw badArgument(reg, wanted);
        }
        step.require(new Obligation.NotNull(reg, pointer, step.walk.describe(pointer.nullId()), step.slot));
        return pointer;
    }

    void heldRecord(Reg reg) {
        if (!(step.read(reg) instanceof Pointer pointer) || !(pointer.region() instanceof Value.Region.Record record)) {
            throw badRelease(reg, reg + " is not a record from bpf_ringbuf_reserve");
        }
        step.require(new Obligation.NotNull(reg, pointer, step.walk.describe(pointer.nullId()), step.slot));
        requireUnmoved(reg, pointer);
        release(reg, record.reference());
    }

    private void requireUnmoved(Reg reg, Pointer pointer) {
        if (!pointer.offset().is(0)) {
            throw badRelease(reg, reg + " does not point to the start of what is given back");
        }
    }

    private static Refused badRelease(Reg reg, String why) {
        return new Refused(Finding.of(Cause.BAD_RELEASE, reg, why, "pass the object itself"));
    }

    private void release(Reg reg, int held) {
        if (held == 0 || !step.state.release(held)) {
            throw badRelease(reg, reg + " is not held, so it cannot be given back");
        }
        References.forget(step, held);
    }

    void socket(Reg reg, Prototype.SocketTypes types, Prototype.Use use) {
        Pointer pointer = known(reg, "a socket");
        switch (pointer.region()) {
            case Value.Region.Socket socket -> reference = socket.reference();
            case Value.Region.Kernel kernel
            when types == Prototype.SocketTypes.PROGRAM_AND_KERNEL
                    && kernel.trust() != Trust.UNTRUSTED
                    && SOCKET_STRUCTS.contains(kernel.name()) -> reference = kernel.reference();
            default -> throw badArgument(reg, "a socket");
        }
        if (use == Prototype.Use.RELEASED) {
            requireUnmoved(reg, pointer);
            release(reg, reference);
        }
    }

    private static String essential(String name) {
        int flavour = name.indexOf("___");
        return flavour > 0 ? name.substring(0, flavour) : name;
    }

    void kernel(Reg reg, String struct, Null nullable) {
        if (nullable == Null.TAKEN && isNull(reg)) {
            return;
        }
        if (!(step.read(reg) instanceof Pointer pointer)
                || pointer.mayBeNull() && nullable == Null.REFUSED
                || !(pointer.region() instanceof Value.Region.Kernel kernel)
                || kernel.trust() == Trust.UNTRUSTED) {
            throw badArgument(reg, "a pointer to struct " + struct);
        }
        reference = kernel.reference();
        Optional<Btf> types = step.walk.setting().kernelTypes();
        boolean same =
                essential(kernel.name()).equals(struct) && pointer.offset().is(0);
        boolean inside = pointer.offset().isConstant()
                && types.isPresent()
                && new KernelWalk(types.get())
                        .holds(kernel.type(), pointer.offset().constant(), struct);
        if (!same && !inside) {
            throw badArgument(reg, "a pointer to struct " + struct);
        }
    }

    void perCpu(Reg reg) {
        Pointer pointer = known(reg, "a per-CPU variable of the kernel");
        if (!(pointer.region() instanceof Value.Region.PerCpu variable)) {
            throw badArgument(reg, "a per-CPU variable of the kernel");
        }
        perCpu = variable.copy();
    }

    void special(Reg reg, SpecialField.Kind kind, MapSpec ofCall) {
        Pointer pointer = known(reg, "a field of a map value");
        if (!(pointer.region() instanceof Value.Region.MapValue(var found, var _))
                || !pointer.offset().isConstant()
                || step.walk.specialFields(found).stream()
                        .noneMatch(field ->
                                field.kind() == kind && pointer.offset().is(field.offset()))) {
            throw badArgument(
                    reg, "the " + kind.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ') + " of a map value");
        }
        map = Optional.of(found);
        step.walk.notes().changes(found);
        switch (helper.number()) {
            case 93 -> LockRules.take(step, reg, pointer);
            case 94 -> LockRules.give(step, reg, pointer);
            case 169 -> {
                Value second = step.read(Reg.R2);
                boolean sameMap = second instanceof Pointer(Value.Region.MapObject(var other, var _), var _, var _)
                        && other.name().equals(found.name());
                if (!sameMap) {
                    throw badArgument(Reg.R2, "the map that the timer is in");
                }
            }
            default -> {}
        }
    }

    void exchanged(Reg reg) {
        if (isNull(reg)) {
            return;
        }
        Pointer pointer = known(reg, "a kernel object or null");
        if (!(pointer.region() instanceof Value.Region.Kernel kernel)) {
            throw badArgument(reg, "a kernel object or null");
        }
        release(reg, kernel.reference());
    }

    void callback(Reg reg, MapSpec ofCall) {
        if (!(step.read(reg) instanceof Pointer pointer)
                || !(pointer.region() instanceof Value.Region.Function function)) {
            throw badArgument(reg, "a function of the program");
        }
        map = map.or(() -> Optional.ofNullable(ofCall));
        callback = Optional.of(function);
    }

    void stackOrNull(Reg reg) {
        Value value = step.read(reg);
        boolean stack = value instanceof Pointer pointer && pointer.region() instanceof Value.Region.Stack;
        if (!stack && !isNull(reg)) {
            throw badArgument(reg, "a pointer into the stack, or null,");
        }
        callbackContext = value;
    }

    void dynptr(Reg reg, DynptrUse use, long size) {
        if (step.read(reg) instanceof Pointer pointer
                && pointer.region() instanceof Value.Region.StackObject(var thing)
                && use == DynptrUse.READ) {
            dynptr = Optional.of(thing);
            return;
        }
        StackObjects.Site site = StackObjects.site(step, reg, StackObjects.DYNPTR_PARTS);
        int id = step.walk.origins().nextAt(step.slot);
        switch (use) {
            case NEW_LOCAL -> create(reg, site, new Thing.Dynptr(Source.LOCAL, id, 0, MapSpec.Access.READ_WRITE));
            case NEW_RINGBUF -> {
                create(reg, site, new Thing.Dynptr(Source.RINGBUF, id, id, MapSpec.Access.READ_WRITE));
                step.state.acquire(id);
            }
            case NEW_CLONE -> {
                Thing.Dynptr of = dynptr.orElseThrow();
                create(reg, site, new Thing.Dynptr(of.source(), id, of.reference(), of.access()));
            }
            case READ -> {
                Thing.Dynptr found = existing(reg, site);
                dynptr = Optional.of(found);
                requireSupported(reg, found);
            }
            case RELEASED -> {
                Thing.Dynptr found = existing(reg, site);
                if (found.source() != Source.RINGBUF) {
                    throw badArgument(reg, "a dynptr of a ring buffer");
                }
                release(reg, found.reference());
                StackObjects.release(step, found.reference());
            }
        }
    }

    private void create(Reg reg, StackObjects.Site site, Thing.Dynptr made) {
        StackObjects.put(step, reg, site, made, StackObjects.DYNPTR_PARTS);
    }

    private void requireSupported(Reg reg, Thing.Dynptr found) {
        boolean data = SLICES.contains(helper.number());
        boolean write = helper.number() == Helper.DYNPTR_WRITE.number();
        boolean packet = found.source() == Source.SKB || found.source() == Source.XDP;
        if (data && packet || write && found.access() == MapSpec.Access.READ_ONLY) {
            throw badArgument(reg, "another kind of dynptr");
        }
        if (write && packet) {
            PacketRules.forgetPackets(step.state);
        }
    }

    private Thing.Dynptr existing(Reg reg, StackObjects.Site site) {
        if (StackObjects.at(step, site, reg) instanceof Thing.Dynptr found) {
            return found;
        }
        throw StackObjects.bad(reg, reg + " points to an iterator, not to a dynptr", "pass a dynptr");
    }
}
