package graft.ebpf.insn;

/** What fills the upper bits of a load narrower than a register. */
public enum Extension {
    ZERO,
    SIGN
}
