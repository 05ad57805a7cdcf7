package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Gpr;
import java.util.BitSet;
import java.util.Set;

/**
 * A compiled program as a thunk sees it: {@code u64 program(void *context)}, the context being {@code struct pt_regs} or,
 * for the system call kinds, the tracepoint's record.
 *
 * @param address where it is in the target
 * @param clobbered registers it may change, itself or through what it calls; at least one of rbx and r12 to r15 is kept
 * @param contextFields which 8-byte words of the context it reads: 21 of {@code struct pt_regs}, 8 of a system call's
 *     enter record, 3 of its exit record
 * @param uses what else it needs
 * @param written which words of the context it writes: registers of {@code struct pt_regs} (words 0 to 14), arguments of an
 *     enter record (2 to 7), the result of an exit record (2). They are the thread's when it goes on
 */
public record ProgramEntry(
        RemoteAddress address, Set<Gpr> clobbered, BitSet contextFields, Set<Use> uses, BitSet written) {
    /** Words of {@code struct pt_regs}. */
    public static final int CONTEXT_WORDS = 21;

    /** The word of {@code struct pt_regs} that holds the flags. */
    public static final int FLAGS_WORD = 18;

    public ProgramEntry {
        clobbered = Set.copyOf(clobbered);
        contextFields = (BitSet) contextFields.clone();
        uses = Set.copyOf(uses);
        written = (BitSet) written.clone();
    }

    /** A program that only looks at its context. */
    public ProgramEntry(RemoteAddress address, Set<Gpr> clobbered, BitSet contextFields, Set<Use> uses) {
        this(address, clobbered, contextFields, uses, new BitSet());
    }

    @Override
    public BitSet contextFields() {
        return (BitSet) contextFields.clone();
    }

    @Override
    public BitSet written() {
        return (BitSet) written.clone();
    }

    /** What a program needs besides context fields. */
    public enum Use {
        /** The program calls helpers, which may be handed the context. */
        HELPERS,
        /** {@code context[-1]}: the probed address; at a return probe the function's. */
        FUNCTION_IP,
        /** {@code context[-2]}: the attach cookie. */
        COOKIE,
        /**
         * {@code context[-5]}: 1 when the probed instruction begins a function's frame, so that the stack pointer leads to
         * the return address (see {@link ProbeCall.Frame}), else 0.
         */
        FRAME,
        /**
         * {@code context[-3]} is 1 and becomes 0 when the probed function shall not run; then
         * {@code context[-4]} is what it returns.
         */
        OVERRIDE
    }

    /** A context with every field. */
    public static BitSet allFields() {
        BitSet all = new BitSet(CONTEXT_WORDS);
        all.set(0, CONTEXT_WORDS);
        return all;
    }
}
