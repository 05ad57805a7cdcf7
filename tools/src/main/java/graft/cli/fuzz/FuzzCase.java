package graft.cli.fuzz;

import graft.ebpf.insn.InsnList;
import java.util.Optional;

/**
 * One program with its input.
 *
 * @param other what the first entry of {@link ProgramGenerator#PROGRAMS} leads to, when the program makes tail calls; the
 *     second leads to the program itself, the others to none
 */
record FuzzCase(long seed, InsnList insns, Optional<InsnList> other, byte[] context, byte[] value) {
    /** The case of a seed. */
    static FuzzCase of(long seed) {
        Choice choose = new Choice(~seed);
        byte[] context = new byte[ProgramGenerator.CONTEXT_BYTES];
        byte[] value = new byte[ProgramGenerator.VALUE_BYTES];
        choose.fill(context);
        choose.fill(value);
        return ProgramGenerator.programs(seed).with(seed, context, value);
    }

    /** The same input for other instructions. */
    FuzzCase with(InsnList insns) {
        return new FuzzCase(seed, insns, other, context, value);
    }

    /** The same with another program to call. */
    FuzzCase withOther(InsnList program) {
        return new FuzzCase(seed, insns, Optional.of(program), context, value);
    }
}
