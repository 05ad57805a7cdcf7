package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Gpr;
import java.util.BitSet;
import java.util.Set;

/**
 * A compiled program as a thunk sees it: {@code u64 program(struct pt_regs *context)}.
 *
 * @param address where it is in the target
 * @param clobbered registers it may change, itself or through what it calls
 * @param contextFields which of the 21 words of {@code struct pt_regs} it reads, in the kernel's order
 * @param uses what else it needs
 */
public record ProgramEntry(RemoteAddress address, Set<Gpr> clobbered, BitSet contextFields, Set<Use> uses) {
    /** Words of {@code struct pt_regs}. */
    public static final int CONTEXT_WORDS = 21;

    public ProgramEntry {
        clobbered = Set.copyOf(clobbered);
        contextFields = (BitSet) contextFields.clone();
        uses = Set.copyOf(uses);
    }

    @Override
    public BitSet contextFields() {
        return (BitSet) contextFields.clone();
    }

    /** What a program needs besides context fields. */
    public enum Use {
        /** The program calls helpers, which may be handed the context. */
        HELPERS,
        /** {@code context[-1]}: the probed address; at a return probe the function's. */
        FUNCTION_IP,
        /** {@code context[-2]}: the attach cookie. */
        COOKIE
    }

    /** A context with every field. */
    public static BitSet allFields() {
        BitSet all = new BitSet(CONTEXT_WORDS);
        all.set(0, CONTEXT_WORDS);
        return all;
    }
}
