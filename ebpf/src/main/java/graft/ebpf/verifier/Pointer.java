package graft.ebpf.verifier;

/**
 * A pointer: an object, the offset into it, and, when it may be null, the id that it shares with all its copies so that
 * one null check decides for all of them ({@link #NEVER_NULL} otherwise).
 */
record Pointer(Value.Region region, Scalar offset, int nullId) implements Value {
    static final int NEVER_NULL = 0;

    static Pointer to(Value.Region region) {
        return new Pointer(region, Scalar.ZERO, NEVER_NULL);
    }

    boolean mayBeNull() {
        return nullId != NEVER_NULL;
    }

    Pointer moved(Scalar newOffset) {
        return new Pointer(region, newOffset, nullId);
    }

    Pointer checked() {
        return new Pointer(region, offset, NEVER_NULL);
    }
}
