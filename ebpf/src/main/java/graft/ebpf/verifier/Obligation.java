package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
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
                case Scalar _ -> Optional.empty();
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
    record Writable(Reg reg, Value.Region region) implements Obligation {
        @Override
        public Optional<Finding> unmet() {
            return switch (region) {
                case Value.Region.Context _ ->
                    Optional.of(Finding.of(
                            Cause.READ_ONLY, reg, "the context cannot be written", "keep a copy on the stack"));
                case Value.Region.MapValue(var map) ->
                    Maps.isReadOnly(map)
                            ? Optional.of(Finding.of(
                                    Cause.READ_ONLY,
                                    reg,
                                    "programs cannot write to map " + map.name(),
                                    "use a map without BPF_F_RDONLY_PROG, or a variable that is not const"))
                            : Optional.empty();
                case Value.Region.Stack _, Value.Region.Record _ -> Optional.empty();
                case Value.Region.MapObject _, Value.Region.Function _ ->
                    Optional.of(Finding.of(Cause.READ_ONLY, reg, region.noun() + " cannot be written", ""));
            };
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
            Tnum bits = offset.bits();
            return ((bits.value() | bits.mask()) & (bytes - 1)) == 0
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
