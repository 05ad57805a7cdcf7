package graft.ebpf.insn;

/** Conditions of a conditional jump (RFC 9669 §4.3). S means signed. */
public enum JumpOp {
    JEQ,
    JGT,
    JGE,
    JSET,
    JNE,
    JSGT,
    JSGE,
    JLT,
    JLE,
    JSLT,
    JSLE
}
