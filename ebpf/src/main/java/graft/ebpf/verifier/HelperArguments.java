package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Reg;
import graft.ebpf.object.KernelType;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.verifier.Prototype.Argument;
import graft.ebpf.verifier.Prototype.Direction;
import graft.ebpf.verifier.Prototype.Null;

/** The arguments of one helper call, checked in order; later ones may depend on earlier ones. */
final class HelperArguments {
    private final Step step;
    private final Prototype helper;
    private final ObjectArguments objects;
    private MapSpec map;
    private long largestSize;
    private boolean keyExists;

    HelperArguments(Step step, Prototype helper) {
        this.step = step;
        this.helper = helper;
        this.objects = new ObjectArguments(step, helper);
    }

    /** The map of an argument that has been checked. */
    MapSpec map() {
        return map;
    }

    /** The largest buffer or record size among the arguments. */
    long largestSize() {
        return largestSize;
    }

    /** The reference that a socket argument holds, 0 for none. */
    int reference() {
        return objects.reference();
    }

    /** What the argument that was a dynptr is known by. */
    int dynptr() {
        return objects.dynptr();
    }

    MapSpec.Access sliceAccess() {
        return objects.sliceAccess();
    }

    Value.Region perCpu() {
        return objects.perCpu();
    }

    int exchangedType() {
        return 0;
    }

    /** A function that the helper calls is walked as well. */
    void enterCallback() {
        objects.enterCallback();
    }

    void check(Reg reg, Argument argument) {
        switch (argument) {
            case Argument.Anything _ -> anything(reg);
            case Argument.Number _ -> {
                Scalar number = step.number(reg, Cause.BAD_ARGUMENT, "where " + helper.name() + " takes a number");
                number.mustBePrecise();
            }
            case Argument.Zero _ -> {
                if (!isNull(reg)) {
                    throw objects.badArgument(reg, "0");
                }
            }
            case Argument.AnyMap _ -> mapOf(reg);
            case Argument.Key _ -> key(reg);
            case Argument.MapValue(var direction, var nullable) -> mapValue(reg, direction, nullable);
            case Argument.Buffer(var direction, var nullable) -> buffer(reg, direction, nullable);
            case Argument.CopyBuffer _ -> {
                if (!isNull(reg)) {
                    buffer(reg, Direction.BOTH, Null.REFUSED);
                }
            }
            case Argument.Fixed(var direction, var bytes) -> fixed(reg, direction, bytes);
            case Argument.Size(var least) -> size(reg, least);
            case Argument.RecordSize _ -> recordSize(reg);
            case Argument.HeldRecord _ -> objects.heldRecord(reg);
            case Argument.ProgramContext(var nullable) -> programContext(reg, nullable);
            case Argument.ConstantString _ -> constantString(reg);
            case Argument.Special(var kind) -> objects.special(reg, kind, map);
            case Argument.Socket(var types, var use) -> objects.socket(reg, types, use);
            case Argument.Kernel(var struct, var nullable) -> objects.kernel(reg, struct, nullable);
            case Argument.PerCpu _ -> objects.perCpu(reg);
            case Argument.Callback _ -> objects.callback(reg, map);
            case Argument.StackOrNull _ -> objects.stackOrNull(reg);
            case Argument.Exchanged _ -> objects.exchanged(reg);
            case Argument.Dynptr(var use) -> objects.dynptr(reg, use, largestSize);
        }
    }

    private void anything(Reg reg) {
        if (step.read(reg) instanceof Pointer pointer) {
            boolean reads =
                    Helper.byNumber(helper.number()).filter(Helper::readsKernel).isPresent();
            if (pointer.region() instanceof Value.Region.Kernel && !reads) {
                KernelMemory.requireKernel(step, Memory.Place.of(step, reg, 0));
            }
            step.walk.notes().passedOn(pointer);
        }
    }

    private void mapOf(Reg reg) {
        if (!(step.read(reg) instanceof Pointer pointer)
                || !(pointer.region() instanceof Value.Region.MapObject(var found, var _))
                || pointer.mayBeNull()
                || !pointer.offset().is(0)) {
            throw objects.badArgument(reg, "a map");
        }
        if (!MapUse.fits(helper, found, step.walk.setting())) {
            throw new Refused(Finding.of(
                    Cause.WRONG_MAP_TYPE,
                    reg,
                    "%s does not work on map %s of type %s".formatted(helper.name(), found.name(), found.type()),
                    "use the helpers made for this type of map"));
        }
        if (MapUse.changesValues(helper)) {
            Memory.requireWritable(step, reg, new Value.Region.MapValue(found, 0));
        }
        if (!MapUse.onlyReads(helper)) {
            step.walk.notes().changes(found);
        }
        map = found;
        step.walk.notes().mapAt(step.slot, found.name());
    }

    private void key(Reg reg) {
        range(reg, Direction.READ, map.keySize(), map.keySize());
        boolean array = map.type() == MapType.ARRAY || map.type() == MapType.PERCPU_ARRAY;
        if (array && step.read(reg) instanceof Pointer(Value.Region.Stack(var frame), Scalar offset, var _)) {
            keyExists = StackMemory.constantWord(step, step.state.frame(frame), offset)
                    .filter(key -> Long.compareUnsigned(key.constant(), map.maxEntries()) < 0)
                    .map(key -> {
                        key.mustBePrecise();
                        return true;
                    })
                    .orElse(false);
        }
    }

    /** Whether the key is a constant index that the array has. */
    boolean keyExists() {
        return keyExists;
    }

    private void mapValue(Reg reg, Direction direction, Null nullable) {
        if (nullable == Null.TAKEN && isNull(reg)) {
            return;
        }
        if (map.type() == MapType.SOCKMAP || map.type() == MapType.SOCKHASH) {
            objects.socket(reg, Prototype.SocketTypes.PROGRAM_AND_KERNEL, Prototype.Use.LOOKED_AT);
            return;
        }
        range(reg, direction, map.valueSize(), map.valueSize());
    }

    private void fixed(Reg reg, Direction direction, int bytes) {
        Memory.Place place = Memory.Place.of(step, reg, 0);
        if (place.pointer().region() instanceof Value.Region.Stack) {
            step.require(new Obligation.Aligned(reg, place.offset(), bytes));
        }
        range(reg, direction, bytes, bytes);
    }

    private boolean isNull(Reg reg) {
        return step.read(reg) instanceof Scalar scalar && scalar.is(0);
    }

    private void range(Reg reg, Direction direction, long least, long most) {
        Memory.Place place = Memory.Place.of(step, reg, 0);
        requirePacketAllowed(reg, place);
        switch (direction) {
            case READ -> Memory.readRange(step, place, most);
            case FILLED -> Memory.writeRange(step, place, least, most);
            case BOTH -> {
                Memory.readRange(step, place, most);
                Memory.writeRange(step, place, least, most);
            }
        }
    }

    private void requirePacketAllowed(Reg reg, Memory.Place place) {
        boolean packet = place.pointer().region() instanceof Value.Region.Packet;
        boolean optionBuffer = step.walk.setting().type() == KernelType.CGROUP_SOCKOPT;
        if (packet && !optionBuffer && !helper.is(Prototype.Property.PACKET)) {
            throw new Refused(Finding.of(
                    Cause.BAD_ARGUMENT,
                    reg,
                    helper.name() + " does not take packet memory",
                    "copy the bytes to the stack first"));
        }
    }

    /** Checked together with the size that follows. */
    private void buffer(Reg reg, Direction direction, Null nullable) {
        requireValue(reg);
        Reg sizeReg = Reg.of(reg.number() + 1);
        Scalar size = step.number(sizeReg, Cause.BAD_SIZE, "where " + helper.name() + " takes a size");
        size.mustBePrecise();
        requireBounded(sizeReg, size);
        long most = size.wide().umax();
        if (nullable == Null.TAKEN && isNull(reg) && most == 0) {
            return;
        }
        range(reg, direction, size.wide().umin(), most);
    }

    /** A dynptr may outlive whatever else it could be made of. */
    private void requireValue(Reg reg) {
        boolean value = step.read(reg) instanceof Pointer pointer && pointer.region() instanceof Value.Region.MapValue;
        if (helper.number() == Helper.DYNPTR_FROM_MEM.number() && !value) {
            throw objects.badArgument(reg, "a map value");
        }
    }

    private void requireBounded(Reg reg, Scalar size) {
        if (size.wide().smin() < 0) {
            throw badSize(reg, "may be negative");
        }
        if (size.wide().umax() >= Obligation.OFFSET_LIMIT) {
            throw badSize(reg, "has no upper bound");
        }
    }

    private void size(Reg reg, Prototype.Least least) {
        Scalar size = step.number(reg, Cause.BAD_SIZE, "where " + helper.name() + " takes a size");
        if (least == Prototype.Least.ONE && size.wide().umin() == 0) {
            throw badSize(reg, "may be zero");
        }
        largestSize = Math.max(largestSize, size.wide().umax());
    }

    private Refused badSize(Reg reg, String what) {
        return new Refused(Finding.of(
                Cause.BAD_SIZE,
                reg,
                "the size in " + reg + " for " + helper.name() + " " + what,
                "bound " + reg + " just before the call, for example with &"));
    }

    private void recordSize(Reg reg) {
        Scalar size = step.number(reg, Cause.BAD_SIZE, "where " + helper.name() + " takes a size");
        size.mustBePrecise();
        if (!size.isConstant() || size.wide().smin() < 0 || size.wide().smin() >= Obligation.OFFSET_LIMIT) {
            throw new Refused(Finding.of(
                    Cause.BAD_SIZE,
                    reg,
                    "the size in " + reg + " for " + helper.name() + " is not a sensible constant",
                    "reserve a constant size, or use bpf_ringbuf_output"));
        }
        largestSize = size.constant();
    }

    /** Helpers that take the context itself read what lies below it, and those that walk the stack three fields: it does not escape. */
    private void programContext(Reg reg, Null nullable) {
        if (nullable == Null.TAKEN && isNull(reg)) {
            return;
        }
        boolean context = step.read(reg) instanceof Pointer pointer
                && pointer.region() == Value.Region.Context.CONTEXT
                && pointer.offset().is(0);
        if (!context) {
            throw objects.badArgument(reg, "the program's context");
        }
    }

    private void constantString(Reg reg) {
        boolean constant =
                step.read(reg) instanceof Pointer(Value.Region.MapValue(var of, var _), Scalar offset, int nullId)
                        && nullId == Pointer.NEVER_NULL
                        && endsInside(of, offset);
        if (!constant) {
            throw objects.badArgument(reg, "a constant string in read-only data, ending in a zero byte");
        }
    }

    private static boolean endsInside(MapSpec of, Scalar offset) {
        byte[] content = of.content().bytes();
        if (of.access() != MapSpec.Access.READ_ONLY || !offset.isConstant() || offset.constant() < 0) {
            return false;
        }
        for (long at = offset.constant(); at < content.length; at++) {
            if (content[(int) at] == 0) {
                return true;
            }
        }
        return false;
    }
}
