package graft.ebpf.insn;

/** Atomic read-modify-write operations (RFC 9669 §5.3). XCHG and CMPXCHG always fetch. */
public enum AtomicOp {
    ADD,
    OR,
    AND,
    XOR,
    XCHG,
    CMPXCHG
}
