package graft.ebpf.insn;

import java.util.Optional;

/**
 * Binary arithmetic operations (RFC 9669 §4.1), with how each is encoded and written. NEG, byte swaps and sign-extending
 * moves are instructions of their own.
 */
public enum AluOp {
    ADD(0x00, 0, "+="),
    SUB(0x10, 0, "-="),
    MUL(0x20, 0, "*="),
    DIV(0x30, 0, "/="),
    SDIV(0x30, 1, "s/="),
    MOD(0x90, 0, "%="),
    SMOD(0x90, 1, "s%="),
    OR(0x40, 0, "|="),
    AND(0x50, 0, "&="),
    XOR(0xa0, 0, "^="),
    LSH(0x60, 0, "<<="),
    RSH(0x70, 0, ">>="),
    ARSH(0xc0, 0, "s>>="),
    MOV(0xb0, 0, "=");

    private static final AluOp[] ALL = values();

    private final int code;
    private final int offset;
    private final String symbol;

    AluOp(int code, int offset, String symbol) {
        this.code = code;
        this.offset = offset;
        this.symbol = symbol;
    }

    /** The high four bits of the opcode. */
    int code() {
        return code;
    }

    /** The offset field, which tells signed division from unsigned. */
    int offset() {
        return offset;
    }

    /** As written between destination and source. */
    public String symbol() {
        return symbol;
    }

    /** The operation of a code and an offset field. */
    static Optional<AluOp> of(int code, int offset) {
        for (AluOp op : ALL) {
            if (op.code == code && op.offset == offset) {
                return Optional.of(op);
            }
        }
        return Optional.empty();
    }
}
