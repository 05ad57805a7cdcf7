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
