package graft.ebpf.insn;

/** Binary arithmetic operations (RFC 9669 §4.1). NEG, byte swaps and sign-extending moves are instructions of their own. */
public enum AluOp {
    ADD,
    SUB,
    MUL,
    DIV,
    SDIV,
    MOD,
    SMOD,
    OR,
    AND,
    XOR,
    LSH,
    RSH,
    ARSH,
    MOV
}
