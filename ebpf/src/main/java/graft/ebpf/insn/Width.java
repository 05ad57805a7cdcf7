package graft.ebpf.insn;

/** Operand width of an arithmetic or jump instruction. */
public enum Width {
    W32,
    W64
}
