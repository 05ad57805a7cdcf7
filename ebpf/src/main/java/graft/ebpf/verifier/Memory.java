package graft.ebpf.verifier;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import graft.ebpf.object.MapSpec;

/** Loads and stores through a pointer, by the object it points into. */
final class Memory {
    private Memory() {}

    /** Any number that a load of {@code bytes} bytes can give. */
    static Scalar unknown(int bytes) {
        return switch (bytes) {
            case 1 -> UNKNOWN_BYTE;
            case 2 -> UNKNOWN_HALF;
            case 4 -> UNKNOWN_WORD;
            default -> Scalar.UNKNOWN;
        };
    }

    private static final Scalar UNKNOWN_BYTE = Scalar.unsigned(0, 0xff);
    private static final Scalar UNKNOWN_HALF = Scalar.unsigned(0, 0xffff);
    private static final Scalar UNKNOWN_WORD = Scalar.unsigned(0, 0xffff_ffffL);

    /** Where an access goes: the register it goes through, the pointer, and the offset with the instruction's added. */
    record Place(Reg base, Pointer pointer, Scalar offset) {
        static Place of(Step step, Reg base, int distance) {
            Pointer pointer = step.pointer(base);
            Scalar offset = distance == 0
                    ? pointer.offset()
                    : ScalarMath.apply(AluOp.ADD, Width.W64, pointer.offset(), Scalar.constant(distance));
            return new Place(base, pointer, offset);
        }
    }

    static Value load(Step step, Place place, int bytes) {
        return switch (place.pointer().region()) {
            case Value.Region.Context _ -> context(step, place, bytes);
            case Value.Region.Stack(var frame) -> {
                requireStack(step, place, bytes);
                yield StackMemory.read(step, place.base(), step.state.frame(frame), place.offset(), bytes);
            }
            case Value.Region.MapValue(var map) -> mapValue(step, place, map, bytes);
            case Value.Region.Record record -> {
                step.require(new Obligation.InBounds(
                        place.base(), "a ring buffer record", place.offset(), bytes, record.size()));
                yield unknown(bytes);
            }
            case Value.Region.MapObject _, Value.Region.Function _ -> throw notMemory(place);
        };
    }

    static void store(Step step, Place place, int bytes, Value value) {
        Value.Region region = place.pointer().region();
        step.require(new Obligation.Writable(place.base(), region));
        switch (region) {
            case Value.Region.Stack(var frame) -> {
                requireStack(step, place, bytes);
                StackMemory.write(step, place.base(), frame, place.offset(), bytes, value);
            }
            case Value.Region.MapValue(var map) -> {
                inValue(step, place, map, bytes);
                requireData(step, place, bytes, value);
            }
            case Value.Region.Record record -> {
                step.require(new Obligation.InBounds(
                        place.base(), "a ring buffer record", place.offset(), bytes, record.size()));
                requireData(step, place, bytes, value);
            }
            case Value.Region.Context _, Value.Region.MapObject _, Value.Region.Function _ -> throw notMemory(place);
        }
    }

    private static Value context(Step step, Place place, int bytes) {
        ContextLayout layout = step.walk.context();
        Scalar moved = place.pointer().offset();
        boolean readable = moved.is(0) && layout.readable(place.offset().constant(), bytes);
        if (!readable) {
            throw new Refused(Finding.of(
                    Cause.OUT_OF_BOUNDS,
                    place.base(),
                    moved.is(0)
                            ? "%s has no readable field of %d bytes at offset %d"
                                    .formatted(
                                            layout.name(), bytes, place.offset().constant())
                            : "the context is read through a pointer that was moved",
                    "read whole fields of " + layout.name() + " at constant offsets"));
        }
        step.walk.notes().contextRead((int) place.offset().constant());
        return unknown(bytes);
    }

    private static Value mapValue(Step step, Place place, MapSpec map, int bytes) {
        inValue(step, place, map, bytes);
        return Maps.constantAt(map, place.offset(), bytes).orElse(unknown(bytes));
    }

    private static void inValue(Step step, Place place, MapSpec map, long bytes) {
        step.require(new Obligation.InBounds(
                place.base(), "a pointer into a value of map " + map.name(), place.offset(), bytes, map.valueSize()));
    }

    private static void requireStack(Step step, Place place, int bytes) {
        step.require(new Obligation.InStack(place.base(), place.offset(), bytes));
        step.require(new Obligation.Aligned(place.base(), place.offset(), bytes));
        noteDepth(step, place);
    }

    private static void noteDepth(Step step, Place place) {
        if (place.pointer().region() instanceof Value.Region.Stack(var frame)) {
            step.walk.notes().stack(step.state.frame(frame).function, place.offset());
        }
    }

    /** Pointers may be kept in maps and records, whole, where they become numbers. */
    private static void requireData(Step step, Place place, int bytes, Value value) {
        if (value instanceof Pointer pointer) {
            if (bytes != 8 || pointer.region() instanceof Value.Region.Record) {
                throw new Refused(Finding.of(
                        Cause.POINTER_LEAK,
                        place.base(),
                        pointer.region().noun() + " would be stored as data",
                        "store what it points to"));
            }
            step.walk.notes().passedOn(pointer);
        }
    }

    /** Requires {@code bytes} bytes that a helper reads. */
    static void readRange(Step step, Place place, long bytes) {
        switch (place.pointer().region()) {
            case Value.Region.Stack(var frame) -> {
                step.require(new Obligation.InStack(place.base(), place.offset(), bytes));
                noteDepth(step, place);
                StackMemory.readRange(step, place.base(), step.state.frame(frame), place.offset(), bytes);
            }
            case Value.Region.MapValue(var map) -> inValue(step, place, map, bytes);
            case Value.Region.Record record ->
                step.require(new Obligation.InBounds(
                        place.base(), "a ring buffer record", place.offset(), bytes, record.size()));
            case Value.Region.Context _, Value.Region.MapObject _, Value.Region.Function _ -> throw notMemory(place);
        }
    }

    /** Requires {@code most} bytes that a helper may write, and writes at least {@code least} of them. */
    static void writeRange(Step step, Place place, long least, long most) {
        step.require(new Obligation.Writable(place.base(), place.pointer().region()));
        if (place.pointer().region() instanceof Value.Region.Stack(var frame)) {
            step.require(new Obligation.InStack(place.base(), place.offset(), most));
            noteDepth(step, place);
            StackMemory.writeRange(step.state.frame(frame), place.offset(), least, most);
        } else {
            readRange(step, place, most);
        }
    }

    private static Refused notMemory(Place place) {
        return new Refused(Finding.of(
                Cause.NOT_A_POINTER,
                place.base(),
                place.base() + " is " + place.pointer().region().noun() + ", whose memory is not for programs",
                "use the helper that is made for it"));
    }
}
