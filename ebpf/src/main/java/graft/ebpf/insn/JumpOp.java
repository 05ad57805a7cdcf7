package graft.ebpf.insn;

import java.util.Optional;

/** Conditions of a conditional jump (RFC 9669 §4.3), with how each is encoded and written. S means signed. */
public enum JumpOp {
    JEQ(0x10, "=="),
    JGT(0x20, ">"),
    JGE(0x30, ">="),
    JSET(0x40, "&"),
    JNE(0x50, "!="),
    JSGT(0x60, "s>"),
    JSGE(0x70, "s>="),
    JLT(0xa0, "<"),
    JLE(0xb0, "<="),
    JSLT(0xc0, "s<"),
    JSLE(0xd0, "s<=");

    private static final JumpOp[] ALL = values();

    private final int code;
    private final String symbol;

    JumpOp(int code, String symbol) {
        this.code = code;
        this.symbol = symbol;
    }

    /** The high four bits of the opcode. */
    int code() {
        return code;
    }

    /** As written between the two sides. */
    public String symbol() {
        return symbol;
    }

    /** The condition of a code. */
    static Optional<JumpOp> of(int code) {
        for (JumpOp op : ALL) {
            if (op.code == code) {
                return Optional.of(op);
            }
        }
        return Optional.empty();
    }
}
