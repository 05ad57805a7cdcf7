package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import graft.ebpf.object.MapSpec;
import java.util.Optional;

/** Something that must hold for an instruction to be safe. Each kind knows only itself. */
sealed interface Obligation {
    /** Offsets and sizes are kept well inside 32 bits, as in the kernel. */
    long OFFSET_LIMIT = 1L << 29;

    /** Nothing when the obligation is met. */
    Optional<Finding> unmet();

    /** A register that is read holds something. */
    record Initialised(Reg reg, Value value) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            return value == Value.Nothing.UNINITIALISED
                    ? Optional.of(Finding.of(
                            Cause.UNINITIALISED_REGISTER,
                            reg,
                            reg + " has no value here; calls leave nothing in r1 to r5",
                            "set " + reg + " on every path before this instruction"))
                    : Optional.empty();
        }
    }

    /** r10 is not a destination. */
    record NotFramePointer(Reg reg) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            return reg == Reg.R10
                    ? Optional.of(Finding.of(
                            Cause.FRAME_POINTER_WRITE,
                            reg,
                            "r10 is the frame pointer and cannot be changed",
                            "copy r10 to another register"))
                    : Optional.empty();
        }
    }

    /** A register holds a number, not a pointer. */
    record IsNumber(Reg reg, Value value, Cause cause, String use) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            return switch (value) {
                case Value.Nothing _ -> new Initialised(reg, value).unmet();
                case Scalar _, Value.Resident _ -> Optional.empty();
                case Pointer pointer ->
                    Optional.of(Finding.of(
                            cause, reg, reg + " is " + pointer.region().noun() + ", " + use, "use a number here"));
            };
        }
    }

    /** A pointer is known not to be null. */
    record NotNull(Reg reg, Pointer pointer, String origin, int slot) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            return pointer.mayBeNull()
                    ? Optional.of(Finding.of(
                            Cause.MAY_BE_NULL,
                            reg,
                            reg + " comes from " + origin + " and may be null",
                            "test " + reg + " for null before insn " + slot))
                    : Optional.empty();
        }
    }

    /** An object that an access may write. */
    record Writable(Reg reg, Value.Region region, Setting setting) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            return switch (region) {
                case Value.Region.Context _ ->
                    setting.isForTarget() ? readOnly("keep a copy on the stack") : Optional.empty();
                case Value.Region.MapValue(var map, var _) ->
                    Maps.isReadOnly(map)
                            ? readOnly("use a map without BPF_F_RDONLY_PROG, or a variable that is not const")
                            : Optional.empty();
                case Value.Region.Memory memory ->
                    memory.access() == MapSpec.Access.READ_ONLY
                            ? readOnly("keep a copy on the stack")
                            : Optional.empty();
                case Value.Region.Packet _ ->
                    setting.mayWritePackets() ? Optional.empty() : readOnly("use a helper that changes packets");
                case Value.Region.Stack _, Value.Region.Record _, Value.Region.Arena _ -> Optional.empty();
                case Value.Region.MapObject _,
                        Value.Region.Function _,
                        Value.Region.PacketEnd _,
                        Value.Region.PerCpu _,
                        Value.Region.StackObject _,
                        Value.Region.Kernel _,
                        Value.Region.Socket _ -> readOnly("");
            };
        }

        private Optional<Finding> readOnly(String suggestion) {
            return Optional.of(Finding.of(
                    Cause.READ_ONLY, reg, reg + " is " + region.noun() + ", which cannot be written", suggestion));
        }
    }

    /** A map whose values programs may read. */
    record Readable(Reg reg, MapSpec map) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            return (map.flags() & MapSpec.WRITE_ONLY_FOR_PROGRAMS) == 0
                    ? Optional.empty()
                    : Optional.of(Finding.of(
                            Cause.WRITE_ONLY,
                            reg,
                            "programs cannot read values of map " + map.name(),
                            "use a map without BPF_F_WRONLY_PROG"));
        }
    }

    /** Every byte of an access is known to be in the packet. */
    record InPacket(Reg reg, Value.Region.Packet packet, Scalar offset, long bytes) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            boolean inside = offset.isConstant()
                    && packet.most() >= 0
                    && offset.constant() >= 0
                    && offset.constant() + bytes <= packet.range();
            return inside
                    ? Optional.empty()
                    : Optional.of(Finding.of(
                            Cause.OUT_OF_BOUNDS,
                            reg,
                            "the access of %d bytes at offset %s needs more of the packet than the %d bytes known to be there"
                                    .formatted(
                                            bytes,
                                            Texts.interval(
                                                    offset.wide().smin(),
                                                    offset.wide().smax()),
                                            packet.range()),
                            "compare the end of the access with data_end first"));
        }
    }

    /** Every byte of an access lies in an object of {@code size} bytes. */
    record InBounds(Reg reg, String noun, Scalar offset, long bytes, long size) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            long first = offset.wide().smin();
            long last = offset.wide().smax();
            if (first >= 0 && last <= OFFSET_LIMIT && last + bytes <= size) {
                return Optional.empty();
            }
            return Optional.of(Finding.of(
                    Cause.OUT_OF_BOUNDS,
                    reg,
                    "%s is %s; the access of %d bytes at offset %s can leave its %d bytes"
                            .formatted(reg, noun, bytes, Texts.interval(first, last), size),
                    offset.isConstant() ? "" : "bound the offset on both sides before this instruction"));
        }
    }

    /** Every byte of an access lies in the 512 bytes below r10. */
    record InStack(Reg reg, Scalar offset, long bytes) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            long first = offset.wide().smin();
            long last = offset.wide().smax();
            if (first >= -Frame.STACK_BYTES && last <= 0 && last + bytes <= 0) {
                return Optional.empty();
            }
            return Optional.of(Finding.of(
                    Cause.OUT_OF_BOUNDS,
                    reg,
                    "the access of %d bytes at r10 %s is outside the stack of %d bytes"
                            .formatted(bytes, Texts.interval(first, last), Frame.STACK_BYTES),
                    offset.isConstant() ? "put large data into a map" : "bound the offset before this instruction"));
        }
    }

    /** An address is a multiple of the access size. */
    record Aligned(Reg reg, Scalar offset, int bytes) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            return offset.isMultipleOf(bytes)
                    ? Optional.empty()
                    : Optional.of(Finding.of(
                            Cause.MISALIGNED,
                            reg,
                            "the offset %s is not a multiple of %d"
                                    .formatted(
                                            Texts.interval(
                                                    offset.wide().smin(),
                                                    offset.wide().smax()),
                                            bytes),
                            "align the variable"));
        }
    }

    /** A number that may be added to a pointer. */
    record SaneDistance(Reg reg, Scalar distance) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            long least = distance.wide().smin();
            return least > -OFFSET_LIMIT && least < OFFSET_LIMIT
                    ? Optional.empty()
                    : Optional.of(Finding.of(
                            Cause.POINTER_ARITHMETIC,
                            reg,
                            "the distance added to the pointer in " + reg + " has no sensible lower bound",
                            "bound it, for example with & or an unsigned comparison, before adding it"));
        }
    }

    /** No record is held. */
    record NothingHeld(AbstractState state, Origins origins) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            if (state.references().isEmpty()) {
                return Optional.empty();
            }
            int slot = origins.of(state.references().getFirst());
            return Optional.of(Finding.of(
                    Cause.LEAKED_RECORD,
                    "the record reserved at insn " + slot + " is neither submitted nor discarded",
                    "call bpf_ringbuf_submit or bpf_ringbuf_discard on every path"));
        }
    }
}
