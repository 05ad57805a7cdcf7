package graft.ebpf.verifier;

/**
 * Eight bytes of stack. Each byte is unwritten, some number, zero, or part of a value spilled into the low
 * {@code spilledBytes} bytes of the slot. {@code kinds} has two bits a byte, the lowest address in the lowest bits.
 */
record StackSlot(Value spilled, int spilledBytes, int kinds) {
    static final int UNWRITTEN = 0;
    static final int NUMBER = 1;
    static final int ZERO = 2;
    static final int SPILLED = 3;
    static final StackSlot EMPTY = new StackSlot(Value.Nothing.UNINITIALISED, 0, 0);

    static final StackSlot NUMBERS = new StackSlot(Value.Nothing.UNINITIALISED, 0, 0x5555);

    static StackSlot of(Value value) {
        return new StackSlot(value, 8, 0xffff);
    }

    int kind(int position) {
        return (kinds >> (2 * position)) & 3;
    }

    boolean holdsPointer() {
        return spilledBytes == 8 && spilled instanceof Pointer;
    }

    /** Whether every byte holds something, and none is part of a pointer or an object. */
    boolean isAllData() {
        if (spilledBytes > 0 && !(spilled instanceof Scalar)) {
            return false;
        }
        for (int position = 0; position < 8; position++) {
            if (kind(position) == UNWRITTEN) {
                return false;
            }
        }
        return true;
    }

    /** What a byte is when the spilled value is not looked at as a whole. */
    int plainKind(int position) {
        int kind = kind(position);
        if (kind != SPILLED) {
            return kind;
        }
        return spilled instanceof Scalar scalar && scalar.is(0) ? ZERO : NUMBER;
    }

    /** What the bytes that {@link #plainKind} calls zero were made from. */
    Origin originOfZeros() {
        return spilled instanceof Scalar scalar && scalar.is(0) ? scalar.origin() : Origin.NONE;
    }

    /** Bytes {@code from} up to {@code to} set to {@code kind}; a spilled value that they touch becomes plain bytes. */
    StackSlot with(int from, int to, int kind) {
        StackSlot base = from < spilledBytes ? plain() : this;
        int result = base.kinds;
        for (int position = from; position < to; position++) {
            result = result & ~(3 << (2 * position)) | kind << (2 * position);
        }
        return new StackSlot(base.spilled, base.spilledBytes, result);
    }

    /** A number narrower than the slot spilled at its start. */
    StackSlot withSpill(Scalar value, int bytes) {
        int result = plain().kinds;
        for (int position = 0; position < bytes; position++) {
            result |= SPILLED << (2 * position);
        }
        return new StackSlot(value, bytes, result);
    }

    StackSlot withValue(Value value) {
        return new StackSlot(value, spilledBytes, kinds);
    }

    /** The same bytes without a spilled value, of which a zero must be kept precise: zero bytes always matter. */
    StackSlot plain() {
        if (spilledBytes == 0) {
            return this;
        }
        originOfZeros().mark();
        int result = 0;
        for (int position = 0; position < 8; position++) {
            result |= plainKind(position) << (2 * position);
        }
        return new StackSlot(Value.Nothing.UNINITIALISED, 0, result);
    }
}
