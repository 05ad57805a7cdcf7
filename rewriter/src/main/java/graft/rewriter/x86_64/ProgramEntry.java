package graft.rewriter.x86_64;

import graft.platform.asm.x86_64.Gpr;
import java.util.BitSet;
import java.util.Set;

/**
 * A compiled program, as far as its thunk must know.
 *
 * @param address its first instruction, {@code u64 prog(void *context)}
 * @param clobbers general registers it changes
 * @param contextFields 8-byte fields of the context that it reads (bit n: bytes 8n to 8n+7)
 * @param context whether those are all it needs
 * @param inputs values it expects below the context
 */
public record ProgramEntry(
        long address, Set<Gpr> clobbers, BitSet contextFields, ContextNeed context, Set<Input> inputs) {
    public ProgramEntry {
        clobbers = Set.copyOf(clobbers);
        contextFields = (BitSet) contextFields.clone();
        inputs = Set.copyOf(inputs);
        if (clobbers.contains(Gpr.RSP)) {
            throw new IllegalArgumentException("a program must not change rsp");
        }
    }

    /** How much of the context must be there. */
    public enum ContextNeed {
        /** The fields that are named. */
        FIELDS,
        /** All: the program hands the context on. */
        ALL
    }

    /** Values at fixed offsets below the context. */
    public enum Input {
        /** {@code bpf_get_func_ip}: at context − 8. */
        FUNCTION_IP,
        /** {@code bpf_get_attach_cookie}: at context − 16. */
        COOKIE
    }

    /** Whether the program looks at its argument at all. */
    boolean takesContext() {
        return context == ContextNeed.ALL || !contextFields.isEmpty() || !inputs.isEmpty();
    }

    boolean reads(int field) {
        return context == ContextNeed.ALL || contextFields.get(field);
    }
}
