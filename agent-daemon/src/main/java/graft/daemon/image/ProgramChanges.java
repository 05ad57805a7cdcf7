package graft.daemon.image;

import graft.ebpf.helper.Helper;
import graft.rewriter.stub.ProbeCall;
import java.util.BitSet;
import java.util.List;

/**
 * What a program may change where it runs, itself or through the programs that it tail calls.
 *
 * @param registers words of its context that it writes
 * @param effect whether it may leave the function
 */
record ProgramChanges(BitSet registers, ProbeCall.Effect effect) {
    /** rdi, rsi, rdx, rcx, r8 and r9 in {@code struct pt_regs}. */
    private static final BitSet ARGUMENTS = words(14, 13, 12, 11, 9, 8);

    private static final BitSet RESULT = words(10);

    ProgramChanges {
        registers = (BitSet) registers.clone();
    }

    static ProgramChanges of(CheckedProgram program, List<CheckedProgram> tailPrograms) {
        BitSet registers = program.facts().writtenFields();
        boolean overrides = overrides(program);
        if (program.facts().helpers().contains(Helper.TAIL_CALL)) {
            for (CheckedProgram other : tailPrograms) {
                registers.or(other.facts().writtenFields());
                overrides |= overrides(other);
            }
        }
        return new ProgramChanges(registers, overrides ? ProbeCall.Effect.MAY_OVERRIDE : ProbeCall.Effect.NONE);
    }

    private static boolean overrides(CheckedProgram program) {
        return program.facts().helpers().contains(Helper.OVERRIDE_RETURN);
    }

    boolean mayOverride() {
        return effect == ProbeCall.Effect.MAY_OVERRIDE;
    }

    /** Whether the caller of a function would notice: it relies on registers that are no arguments. */
    boolean areMoreThanArguments() {
        return exceeds(ARGUMENTS);
    }

    boolean areMoreThanTheResult() {
        return exceeds(RESULT);
    }

    private boolean exceeds(BitSet allowed) {
        BitSet others = (BitSet) registers.clone();
        others.andNot(allowed);
        return !others.isEmpty();
    }

    private static BitSet words(int... numbers) {
        BitSet words = new BitSet();
        for (int number : numbers) {
            words.set(number);
        }
        return words;
    }

    @Override
    public BitSet registers() {
        return (BitSet) registers.clone();
    }
}
