package graft.ebpf.interp;

import graft.ebpf.insn.Insn;

/** Watches a program step by step. */
@FunctionalInterface
public interface Tracer {
    /** Watches nothing. */
    Tracer NONE = (_, _, _) -> {};

    /**
     * Is called after each instruction but the last exit.
     *
     * @param registers r0 to r10 as the instruction left them; they change with the next one
     */
    void executed(int slot, Insn insn, long[] registers);
}
