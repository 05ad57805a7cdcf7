package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import graft.ebpf.object.MapSpec;

/** The arguments of one helper call, checked in order; later ones may depend on earlier ones. */
final class HelperArguments {
    private final Step step;
    private final String helper;
    private MapSpec map;
    private long largestSize;

    HelperArguments(Step step, String helper) {
        this.step = step;
        this.helper = helper;
    }

    /** The map of an argument that has been checked. */
    MapSpec map() {
        return map;
    }

    /** The largest buffer or record size among the arguments. */
    long largestSize() {
        return largestSize;
    }

    void check(Reg reg, Prototype.Argument argument) {
        switch (argument) {
            case Prototype.Argument.Anything _ -> anything(reg);
            case Prototype.Argument.MapOf wanted -> mapOf(reg, wanted);
            case Prototype.Argument.Key _ -> Memory.readRange(step, Memory.Place.of(step, reg, 0), map.keySize());
            case Prototype.Argument.NewValue _ ->
                Memory.readRange(step, Memory.Place.of(step, reg, 0), map.valueSize());
            case Prototype.Argument.Buffer(var direction) -> buffer(reg, direction);
            case Prototype.Argument.Size(var least) -> size(reg, least);
            case Prototype.Argument.RecordSize _ -> recordSize(reg);
            case Prototype.Argument.HeldRecord _ -> heldRecord(reg);
            case Prototype.Argument.ProgramContext _ -> programContext(reg);
            case Prototype.Argument.ConstantString _ -> constantString(reg);
        }
    }

    private void anything(Reg reg) {
        if (step.read(reg) instanceof Pointer pointer) {
            step.walk.notes().passedOn(pointer);
        }
    }

    private void mapOf(Reg reg, Prototype.Argument.MapOf wanted) {
        if (!(step.read(reg) instanceof Pointer pointer)
                || !(pointer.region() instanceof Value.Region.MapObject(var found))) {
            throw badArgument(reg, "a map");
        }
        if (!wanted.types().contains(found.type())) {
            throw new Refused(Finding.of(
                    Cause.WRONG_MAP_TYPE,
                    reg,
                    "%s does not work on map %s of type %s".formatted(helper, found.name(), found.type()),
                    "use the helpers made for this type of map"));
        }
        if (wanted.use() == Prototype.Use.WRITES) {
            step.require(new Obligation.Writable(reg, new Value.Region.MapValue(found)));
        }
        map = found;
        step.walk.notes().mapAt(step.slot, found.name());
    }

    /** Checked together with the size that follows. */
    private void buffer(Reg reg, Prototype.Direction direction) {
        Memory.Place place = Memory.Place.of(step, reg, 0);
        Reg sizeReg = Reg.of(reg.number() + 1);
        Scalar size = step.number(sizeReg, Cause.BAD_SIZE, "where " + helper + " takes a size");
        requireBounded(sizeReg, size);
        long least = size.wide().umin();
        long most = size.wide().umax();
        if (direction == Prototype.Direction.READ) {
            Memory.readRange(step, place, most);
        } else {
            Memory.writeRange(step, place, least, most);
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
        Scalar size = step.number(reg, Cause.BAD_SIZE, "where " + helper + " takes a size");
        if (least == Prototype.Least.ONE && size.wide().umin() == 0) {
            throw badSize(reg, "may be zero");
        }
        largestSize = Math.max(largestSize, size.wide().umax());
    }

    private Refused badSize(Reg reg, String what) {
        return new Refused(Finding.of(
                Cause.BAD_SIZE,
                reg,
                "the size in " + reg + " for " + helper + " " + what,
                "bound " + reg + " just before the call, for example with &"));
    }

    private void recordSize(Reg reg) {
        Scalar size = step.number(reg, Cause.BAD_SIZE, "where " + helper + " takes a size");
        if (!size.isConstant() || size.wide().smin() < 0 || size.wide().smin() >= Obligation.OFFSET_LIMIT) {
            throw new Refused(Finding.of(
                    Cause.BAD_SIZE,
                    reg,
                    "the size in " + reg + " for " + helper + " is not a sensible constant",
                    "reserve a constant size, or use bpf_ringbuf_output"));
        }
        largestSize = size.constant();
    }

    private void heldRecord(Reg reg) {
        if (!(step.read(reg) instanceof Pointer pointer) || !(pointer.region() instanceof Value.Region.Record record)) {
            throw new Refused(Finding.of(
                    Cause.BAD_RELEASE,
                    reg,
                    reg + " is not a record from bpf_ringbuf_reserve",
                    "pass the record itself"));
        }
        step.require(new Obligation.NotNull(reg, pointer, step.walk.describe(pointer.nullId()), step.slot));
        if (!pointer.offset().is(0)) {
            throw new Refused(Finding.of(
                    Cause.BAD_RELEASE,
                    reg,
                    reg + " does not point to the start of its record",
                    "pass the record itself"));
        }
        step.state.release(record.reference());
        step.state.replaceValues(value -> isOf(record.reference(), value) ? Value.Nothing.UNINITIALISED : value);
    }

    private static boolean isOf(int reference, Value value) {
        return value instanceof Pointer pointer
                && pointer.region() instanceof Value.Region.Record record
                && record.reference() == reference;
    }

    /** Helpers that take the context itself read what lies below it, never its fields: it does not escape. */
    private void programContext(Reg reg) {
        boolean context = step.read(reg) instanceof Pointer pointer
                && pointer.region() == Value.Region.Context.CONTEXT
                && pointer.offset().is(0);
        if (!context) {
            throw badArgument(reg, "the program's context");
        }
    }

    private void constantString(Reg reg) {
        boolean constant = step.read(reg) instanceof Pointer(Value.Region.MapValue(var of), Scalar offset, int nullId)
                && nullId == Pointer.NEVER_NULL
                && endsInside(of, offset);
        if (!constant) {
            throw badArgument(reg, "a constant string in read-only data, ending in a zero byte");
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

    private Refused badArgument(Reg reg, String wanted) {
        return new Refused(
                Finding.of(Cause.BAD_ARGUMENT, reg, helper + " takes " + wanted + " in " + reg, "pass " + wanted));
    }
}
