package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;

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
        StackSlot slot = frame.slot(slotOf(offset));
        int position = positionOf(offset);
        if (position == 0 && bytes == slot.spilledBytes()) {
            return slot.spilled();
        }
        if (position == 0 && bytes < slot.spilledBytes() && slot.spilled() instanceof Scalar scalar) {
            Scalar part = scalar.truncated(bytes);
            return part == scalar ? part : part.withId(Scalar.NO_ID);
        }
        boolean zero = true;
        for (int at = position; at < position + bytes; at++) {
            zero &= readable(step, base, slot, at) == StackSlot.ZERO;
        }
        return zero ? Scalar.ZERO : Memory.unknown(bytes);
    }

    private static Value readAnywhere(Step step, Reg base, Frame frame, Scalar offset, int bytes) {
        boolean zero = true;
        long end = offset.wide().smax() + bytes;
        for (long at = offset.wide().smin(); at < end; at++) {
            zero &= readable(step, base, frame.slot(slotOf(at)), positionOf(at)) == StackSlot.ZERO;
        }
        return zero ? Scalar.ZERO : Memory.unknown(bytes);
    }

    /** Requires a range that a helper reads to be written, and free of pointers. */
    static void readRange(Step step, Reg base, Frame frame, Scalar offset, long bytes) {
        long end = offset.wide().smax() + bytes;
        for (long at = offset.wide().smin(); at < end; at++) {
            readable(step, base, frame.slot(slotOf(at)), positionOf(at));
        }
    }

    private static int readable(Step step, Reg base, StackSlot slot, int position) {
        if (slot.holdsPointer() && slot.kind(position) == StackSlot.SPILLED) {
            throw new Refused(Finding.of(
                    Cause.POINTER_LEAK,
                    base,
                    "the bytes read through " + base + " are part of a pointer saved on the stack",
                    "read a saved pointer whole, and do not pass it on as data"));
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

    static void write(Step step, Reg base, int frameIndex, Scalar offset, int bytes, Value value) {
        Frame frame = step.state.frame(frameIndex);
        if (value instanceof Pointer pointer) {
            requireStorable(step, base, pointer, frameIndex, offset, bytes);
        }
        if (!offset.isConstant()) {
            int kind = value instanceof Scalar scalar && scalar.is(0) ? StackSlot.ZERO : StackSlot.NUMBER;
            blur(frame, offset.wide().smin(), offset.wide().smax() + bytes, kind);
            return;
        }
        int index = slotOf(offset.constant());
        int position = positionOf(offset.constant());
        if (bytes == 8) {
            frame.setSlot(index, StackSlot.of(value));
            return;
        }
        Scalar stored = ((Scalar) value).truncated(bytes);
        StackSlot slot =
                frame.slot(index).with(position, position + bytes, stored.is(0) ? StackSlot.ZERO : StackSlot.NUMBER);
        if (position == 0 && !stored.is(0)) {
            slot = slot.withSpill(stored == value ? stored : stored.withId(Scalar.NO_ID), bytes);
        }
        frame.setSlot(index, slot);
    }

    private static void requireStorable(
            Step step, Reg base, Pointer pointer, int frameIndex, Scalar offset, int bytes) {
        if (bytes != 8 || !offset.isConstant()) {
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
    static void writeRange(Frame frame, Scalar offset, long least, long bytes) {
        long from = offset.wide().smin();
        if (offset.isConstant()) {
            for (long at = from; at < from + least; at++) {
                setByte(frame, at, StackSlot.NUMBER);
            }
            blur(frame, from + least, from + bytes, StackSlot.NUMBER);
        } else {
            blur(frame, from, offset.wide().smax() + bytes, StackSlot.NUMBER);
        }
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
