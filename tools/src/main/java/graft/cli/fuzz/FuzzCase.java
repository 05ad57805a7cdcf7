package graft.cli.fuzz;

import graft.ebpf.insn.InsnList;

/** One program with its input. */
record FuzzCase(long seed, InsnList insns, byte[] context, byte[] value) {
    /** The case of a seed. */
    static FuzzCase of(long seed) {
        Choice choose = new Choice(~seed);
        byte[] context = new byte[ProgramGenerator.CONTEXT_BYTES];
        byte[] value = new byte[ProgramGenerator.VALUE_BYTES];
        choose.fill(context);
        choose.fill(value);
        return new FuzzCase(seed, ProgramGenerator.program(seed), context, value);
    }

    /** The same input for other instructions. */
    FuzzCase with(InsnList other) {
        return new FuzzCase(seed, other, context, value);
    }
}
