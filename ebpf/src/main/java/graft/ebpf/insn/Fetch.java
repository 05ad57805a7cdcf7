package graft.ebpf.insn;

/** Whether an atomic operation returns the old value. */
public enum Fetch {
    NONE,
    OLD_VALUE
}
