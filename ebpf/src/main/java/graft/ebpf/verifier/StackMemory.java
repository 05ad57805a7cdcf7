package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import java.util.Optional;

/** Reads and writes of a frame's stack. Bounds and alignment have been checked; offsets are relative to that frame's r10. */
final class StackMemory {
    private StackMemory() {}

    static int slotOf(long offset) {
        return (int) ((-offset - 1) / 8);
    }

    static int positionOf(long offset) {
        return (int) (offset + 8L * (slotOf(offset) + 1));
    }

    static Value read(Step step, Reg base, Frame frame, Scalar offset, int bytes) {
        return offset.isConstant()
                ? readFixed(step, base, frame, offset.constant(), bytes)
                : readAnywhere(step, base, frame, offset, bytes);
    }

    private static Value readFixed(Step step, Reg base, Frame frame, long offset, int bytes) {
        step.walk.reads(frame, 1L << slotOf(offset));
        StackSlot slot = frame.slot(slotOf(offset));
        int position = positionOf(offset);
        if (position == 0 && bytes == slot.spilledBytes() && !(slot.spilled() instanceof Value.Resident)) {
            return slot.spilled();
        }
        if (position == 0 && bytes < slot.spilledBytes() && slot.spilled() instanceof Scalar scalar) {
            Scalar part = scalar.truncated(bytes);
            return part == scalar ? part : part.withId(Scalar.NO_ID);
        }
        boolean zero = true;
        for (int at = position; at < position + bytes; at++) {
            zero &= loadable(step, base, slot, at) == StackSlot.ZERO;
        }
        return zero ? Scalar.ZERO.withOrigin(slot.originOfZeros()) : Memory.unknown(bytes);
    }

    private static Value readAnywhere(Step step, Reg base, Frame frame, Scalar offset, int bytes) {
        boolean zero = true;
        Origin origin = Origin.NONE;
        long end = offset.wide().smax() + bytes;
        step.walk.reads(frame, slots(offset.wide().smin(), end));
        for (long at = offset.wide().smin(); at < end; at++) {
            StackSlot slot = frame.slot(slotOf(at));
            int kind = step.walk.setting().isForTarget()
                    ? loadable(step, base, slot, positionOf(at))
                    : readable(step, base, slot, positionOf(at));
            zero &= kind == StackSlot.ZERO;
            origin = Origin.of(origin, slot.originOfZeros());
        }
        return zero ? Scalar.ZERO.withOrigin(origin) : Memory.unknown(bytes);
    }

    /** The constant in four bytes, if they were written as one. */
    static Optional<Scalar> constantWord(Step step, Frame frame, Scalar offset) {
        StackSlot slot = frame.slot(slotOf(offset.wide().smin()));
        int position = positionOf(offset.wide().smin());
        boolean word = offset.isConstant() && position <= 4;
        if (word && position == 0 && slot.spilledBytes() == 4 && slot.spilled() instanceof Scalar scalar) {
            return scalar.isConstant() ? Optional.of(scalar) : Optional.empty();
        }
        for (int at = position; word && at < position + 4; at++) {
            word = slot.kind(at) == StackSlot.ZERO;
        }
        return word ? Optional.of(Scalar.ZERO) : Optional.empty();
    }

    /** Requires a range that a helper reads to be written, and free of pointers. */
    static void readRange(Step step, Reg base, Frame frame, Scalar offset, long bytes) {
        long end = offset.wide().smax() + bytes;
        step.walk.reads(frame, slots(offset.wide().smin(), end));
        for (long at = offset.wide().smin(); at < end; at++) {
            readable(step, base, frame.slot(slotOf(at)), positionOf(at));
        }
    }

    private static int readable(Step step, Reg base, StackSlot slot, int position) {
        boolean spilled = slot.kind(position) == StackSlot.SPILLED;
        if (spilled && slot.spilled() instanceof Value.Resident) {
            throw new Refused(Finding.of(
                    Cause.BAD_STACK_OBJECT,
                    base,
                    "the bytes read through " + base + " are part of a dynptr or an iterator",
                    "use the helpers made for it"));
        }
        int kind = slot.plainKind(position);
        if (kind == StackSlot.UNWRITTEN && step.walk.limits().unwrittenStack() == Limits.UnwrittenStack.FORBIDDEN) {
            throw new Refused(Finding.of(
                    Cause.UNINITIALISED_STACK,
                    base,
                    "stack bytes read through " + base + " were never written",
                    "set the whole variable to zero first, padding included"));
        }
        return kind;
    }

    /** Single loads do not see parts of saved pointers; the kernel lets those at unknown places. */
    private static int loadable(Step step, Reg base, StackSlot slot, int position) {
        if (slot.holdsPointer() && slot.kind(position) == StackSlot.SPILLED) {
            throw new Refused(Finding.of(
                    Cause.POINTER_LEAK,
                    base,
                    "the bytes read through " + base + " are part of a pointer saved on the stack",
                    "read a saved pointer whole"));
        }
        return readable(step, base, slot, position);
    }

    static void write(Step step, Reg base, int frameIndex, Scalar offset, int bytes, Value value) {
        Frame frame = step.state.frame(frameIndex);
        if (value instanceof Pointer pointer) {
            requireStorable(step, base, pointer, frameIndex, offset, bytes);
        }
        destroy(step, base, frame, offset, bytes);
        if (!offset.isConstant()) {
            boolean zero = value instanceof Scalar scalar && scalar.is(0);
            if (zero) {
                ((Scalar) value).mustBePrecise();
            }
            blur(frame, offset.wide().smin(), offset.wide().smax() + bytes, zero ? StackSlot.ZERO : StackSlot.NUMBER);
            return;
        }
        int index = slotOf(offset.constant());
        int position = positionOf(offset.constant());
        if (bytes == 8) {
            frame.overwrite(index, StackSlot.of(value));
            return;
        }
        Scalar stored = ((Scalar) value).truncated(bytes);
        if (stored.is(0)) {
            stored.mustBePrecise();
        }
        StackSlot slot =
                frame.slot(index).with(position, position + bytes, stored.is(0) ? StackSlot.ZERO : StackSlot.NUMBER);
        if (position == 0 && !stored.is(0)) {
            slot = slot.withSpill(stored == value ? stored : stored.withId(Scalar.NO_ID), bytes);
        }
        frame.setSlot(index, slot);
    }

    /** Objects on the stack that a write may hit are gone; one that holds something must be given back first. */
    private static void destroy(Step step, Reg base, Frame frame, Scalar offset, long bytes) {
        long end = offset.wide().smax() + bytes;
        for (long at = offset.wide().smin(); at < end; at++) {
            if (frame.slot(slotOf(at)).spilled() instanceof Value.Resident resident) {
                StackObjects.destroy(step, base, frame, slotOf(at), resident);
            }
        }
    }

    private static void requireStorable(
            Step step, Reg base, Pointer pointer, int frameIndex, Scalar offset, int bytes) {
        boolean target = step.walk.setting().isForTarget();
        if (bytes != 8 || target && !offset.isConstant()) {
            throw new Refused(Finding.of(
                    Cause.POINTER_LEAK,
                    base,
                    "part of a pointer, or a pointer at a variable place, would be stored on the stack",
                    "store pointers whole, at a constant offset"));
        }
        boolean callerFrame = frameIndex != step.state.depth() - 1;
        if (callerFrame && pointer.region() instanceof Value.Region.Stack) {
            throw new Refused(Finding.of(
                    Cause.POINTER_LEAK,
                    base,
                    "a pointer to a function's own stack would be stored in its caller's frame",
                    "pass the data itself"));
        }
    }

    /** A helper writes between 0 and {@code bytes} bytes somewhere in a range. */
    static void writeRange(Step step, Reg base, Frame frame, Scalar offset, long least, long bytes) {
        destroy(step, base, frame, offset, bytes);
        long from = offset.wide().smin();
        if (offset.isConstant()) {
            fill(frame, from, from + least);
            blur(frame, from + least, from + bytes, StackSlot.NUMBER);
        } else {
            blur(frame, from, offset.wide().smax() + bytes, StackSlot.NUMBER);
        }
    }

    private static void fill(Frame frame, long from, long end) {
        for (long at = from; at < end; at++) {
            if (positionOf(at) == 0 && at + 8 <= end) {
                frame.overwrite(slotOf(at), StackSlot.NUMBERS);
                at += 7;
            } else {
                setByte(frame, at, StackSlot.NUMBER);
            }
        }
    }

    /** The slots of some bytes, a bit each. */
    private static long slots(long from, long end) {
        if (from >= end) {
            return 0;
        }
        long upTo = -1L >>> (63 - slotOf(from));
        return upTo & -1L << slotOf(end - 1);
    }

    /** Bytes that may or may not be written with {@code kind}. */
    private static void blur(Frame frame, long from, long end, int kind) {
        for (long at = from; at < end; at++) {
            int old = frame.slot(slotOf(at)).plainKind(positionOf(at));
            boolean stays = old == StackSlot.UNWRITTEN || old == kind;
            setByte(frame, at, stays ? old : StackSlot.NUMBER);
        }
    }

    private static void setByte(Frame frame, long offset, int kind) {
        int index = slotOf(offset);
        int position = positionOf(offset);
        frame.setSlot(index, frame.slot(index).with(position, position + 1, kind));
    }
}
