package graft.ebpf.jit.ir;

/** Operations with one operand. */
public enum UnaryOp {
    NEG_32,
    NEG_64,
    ZERO_EXTEND_16,
    ZERO_EXTEND_32,
    SIGN_EXTEND_8_TO_32,
    SIGN_EXTEND_16_TO_32,
    SIGN_EXTEND_8,
    SIGN_EXTEND_16,
    SIGN_EXTEND_32,
    SWAP_16,
    SWAP_32,
    SWAP_64;

    /** Whether the upper half of the result is zero whatever the operand is. */
    public boolean zeroesUpperHalf() {
        return switch (this) {
            case NEG_32, ZERO_EXTEND_16, ZERO_EXTEND_32, SIGN_EXTEND_8_TO_32, SIGN_EXTEND_16_TO_32, SWAP_16, SWAP_32 ->
                true;
            case NEG_64, SIGN_EXTEND_8, SIGN_EXTEND_16, SIGN_EXTEND_32, SWAP_64 -> false;
        };
    }
}
