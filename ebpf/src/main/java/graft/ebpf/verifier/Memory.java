package graft.ebpf.verifier;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.SpecialField;

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
            case Value.Region.Context _ -> ContextMemory.load(step, place, bytes);
            case Value.Region.Stack(var frame) -> {
                requireStack(step, place, bytes);
                yield StackMemory.read(step, place.base(), step.state.frame(frame), place.offset(), bytes);
            }
            case Value.Region.MapValue(var map, var _) -> mapValue(step, place, map, bytes);
            case Value.Region.Kernel kernel -> KernelMemory.load(step, place, kernel, bytes);
            case Value.Region.Socket socket -> SocketMemory.load(step, place, socket, bytes);
            case Value.Region.MapObject _ -> KernelMemory.loadMap(step, place, bytes);
            case Value.Region.Arena _ -> unknown(bytes);
            case Value.Region.Record _, Value.Region.Memory _, Value.Region.Packet _ -> {
                inObject(step, place, bytes);
                yield unknown(bytes);
            }
            case Value.Region.PacketEnd _, Value.Region.PerCpu _, Value.Region.StackObject _, Value.Region.Function _ ->
                throw notMemory(place);
        };
    }

    static void store(Step step, Place place, int bytes, Value value) {
        if (place.pointer().region() != Value.Region.Context.CONTEXT) { // which has rules of its own
            requireWritable(step, place.base(), place.pointer().region());
        }
        switch (place.pointer().region()) {
            case Value.Region.Stack(var frame) -> {
                requireStack(step, place, bytes);
                StackMemory.write(step, place.base(), frame, place.offset(), bytes, value);
            }
            case Value.Region.MapValue(var map, var _) -> {
                inValue(step, place, map, bytes);
                requireNoSpecialField(step, place, map, bytes);
                noteData(step, value);
            }
            case Value.Region.Record _, Value.Region.Memory _, Value.Region.Packet _ -> {
                inObject(step, place, bytes);
                requireNoPointerInRecord(step, place, value);
                noteData(step, value);
            }
            case Value.Region.Context _ -> ContextMemory.store(step, place, bytes, value);
            case Value.Region.Arena _ -> noteData(step, value);
            case Value.Region.Kernel _,
                    Value.Region.Socket _,
                    Value.Region.MapObject _,
                    Value.Region.PacketEnd _,
                    Value.Region.PerCpu _,
                    Value.Region.StackObject _,
                    Value.Region.Function _ -> throw notMemory(place);
        }
    }

    /** Bounds of the objects that are nothing but bytes. */
    private static void inObject(Step step, Place place, long bytes) {
        switch (place.pointer().region()) {
            case Value.Region.Record(var _, var size) ->
                step.require(
                        new Obligation.InBounds(place.base(), "a ring buffer record", place.offset(), bytes, size));
            case Value.Region.Memory(var name, var size, var _, var _) ->
                step.require(new Obligation.InBounds(place.base(), name, place.offset(), bytes, size));
            case Value.Region.Packet packet ->
                step.require(new Obligation.InPacket(place.base(), packet, place.offset(), bytes));
            case Value.Region.Context _,
                    Value.Region.Arena _,
                    Value.Region.Stack _,
                    Value.Region.MapValue _,
                    Value.Region.MapObject _,
                    Value.Region.Kernel _,
                    Value.Region.Socket _,
                    Value.Region.PacketEnd _,
                    Value.Region.PerCpu _,
                    Value.Region.StackObject _,
                    Value.Region.Function _ -> throw notMemory(place);
        }
    }

    private static Value mapValue(Step step, Place place, MapSpec map, int bytes) {
        inValue(step, place, map, bytes);
        step.require(new Obligation.Readable(place.base(), map));
        for (SpecialField field : step.walk.specialFields(map)) {
            if (field.kind() == SpecialField.Kind.KPTR && field.overlaps(first(place), last(place, bytes))) {
                return KernelMemory.loadStored(step, place, field, bytes);
            }
        }
        requireNoSpecialField(step, place, map, bytes);
        return Maps.constantAt(map, place.offset(), bytes).orElse(unknown(bytes));
    }

    private static long first(Place place) {
        return place.offset().wide().smin();
    }

    private static long last(Place place, long bytes) {
        return place.offset().wide().smax() + bytes;
    }

    private static void requireNoSpecialField(Step step, Place place, MapSpec map, long bytes) {
        for (SpecialField field : step.walk.specialFields(map)) {
            if (field.overlaps(first(place), last(place, bytes))) {
                throw new Refused(Finding.of(
                        Cause.SPECIAL_FIELD,
                        place.base(),
                        "the access touches a %s of map %s".formatted(field.text(), map.name()),
                        "use the helpers made for it"));
            }
        }
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

    /** Pointers that are stored become numbers. */
    private static void noteData(Step step, Value value) {
        if (value instanceof Pointer pointer) {
            step.walk.notes().passedOn(pointer);
        }
    }

    private static void requireNoPointerInRecord(Step step, Place place, Value value) {
        boolean record = place.pointer().region() instanceof Value.Region.Record;
        if (record && step.walk.setting().isForTarget() && value instanceof Pointer pointer) {
            throw new Refused(Finding.of(
                    Cause.POINTER_LEAK,
                    place.base(),
                    pointer.region().noun() + " would be stored in an event",
                    "store what it points to"));
        }
    }

    /** Requires {@code bytes} bytes that a helper reads. */
    static void readRange(Step step, Place place, long bytes) {
        if (place.pointer().region() instanceof Value.Region.MapValue(var map, var _)) {
            step.require(new Obligation.Readable(place.base(), map));
        }
        range(step, place, bytes);
    }

    private static void range(Step step, Place place, long bytes) {
        switch (place.pointer().region()) {
            case Value.Region.Stack(var frame) -> {
                step.require(new Obligation.InStack(place.base(), place.offset(), bytes));
                noteDepth(step, place);
                StackMemory.readRange(step, place.base(), step.state.frame(frame), place.offset(), bytes);
            }
            case Value.Region.MapValue(var map, var _) -> {
                inValue(step, place, map, bytes);
                requireNoSpecialField(step, place, map, bytes);
            }
            case Value.Region.Record _, Value.Region.Memory _, Value.Region.Packet _ -> inObject(step, place, bytes);
            case Value.Region.Context _ -> ContextMemory.range(step, place, bytes);
            case Value.Region.Kernel kernel -> KernelMemory.readRange(step, place, kernel, bytes);
            case Value.Region.Socket _,
                    Value.Region.Arena _,
                    Value.Region.MapObject _,
                    Value.Region.PacketEnd _,
                    Value.Region.PerCpu _,
                    Value.Region.StackObject _,
                    Value.Region.Function _ -> throw notMemory(place);
        }
    }

    /** Requires {@code most} bytes that a helper may write, and writes at least {@code least} of them. */
    static void writeRange(Step step, Place place, long least, long most) {
        requireWritable(step, place.base(), place.pointer().region());
        if (place.pointer().region() instanceof Value.Region.Stack(var frame)) {
            step.require(new Obligation.InStack(place.base(), place.offset(), most));
            noteDepth(step, place);
            StackMemory.writeRange(step, place.base(), step.state.frame(frame), place.offset(), least, most);
        } else {
            range(step, place, most);
        }
    }

    /** The object is going to be written. */
    static void requireWritable(Step step, Reg reg, Value.Region region) {
        step.require(new Obligation.Writable(reg, region, step.walk.setting()));
        if (region instanceof Value.Region.MapValue(var map, var _)) {
            step.walk.notes().changes(map);
        }
    }

    static Refused notMemory(Place place) {
        return new Refused(Finding.of(
                Cause.NOT_A_POINTER,
                place.base(),
                place.base() + " is " + place.pointer().region().noun() + ", whose memory is not for programs",
                "use the helper that is made for it"));
    }
}
