package graft.ebpf.insn;

import static graft.ebpf.insn.Opcodes.*;

/** Conversions of RFC 9669 §4.2, with how each is encoded and written: to little endian, to big endian, always swapped. */
public enum ByteOrder {
    TO_LE(ALU | CODE_END, "le"),
    TO_BE(ALU | CODE_END | SOURCE_REGISTER, "be"),
    SWAP(ALU64 | CODE_END, "bswap");

    private final int opcode;
    private final String function;

    ByteOrder(int opcode, String function) {
        this.opcode = opcode;
        this.function = function;
    }

    int opcode() {
        return opcode;
    }

    /** As written before the number of bits. */
    public String function() {
        return function;
    }
}
