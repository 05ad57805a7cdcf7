package graft.ebpf.jit;

import graft.ebpf.verifier.Facts;
import graft.platform.asm.x86_64.Gpr;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Set;

/**
 * A program as machine code for one address of one target.
 *
 * @param address where the first byte (the entry) must be
 * @param clobbers registers whose values the call changes, that of the argument too if it does; everything else but the flags is
 *     as before. Vector registers are never touched
 * @param contextFields the 8-byte fields of the context that the code reads (bit n: bytes 8n to 8n+7)
 * @param contextUse whether those fields are all it needs of the context
 * @param inputs what it reads below the context
 * @param calls whether it leaves its own code
 * @param stackBytes bytes of stack below the caller's, without what helpers use
 * @param tailEntry where the code begins for another program's tail call, in bytes from the entry
 * @param offsets where the code of each block of instructions begins, ascending, for debuggers
 */
public record CompiledProgram(
        String name,
        long address,
        byte[] code,
        Set<Gpr> clobbers,
        BitSet contextFields,
        Facts.ContextUse contextUse,
        Set<BelowContext> inputs,
        Calls calls,
        int stackBytes,
        int tailEntry,
        List<SlotOffset> offsets) {

    /**
     * Offset from the context of an 8-byte word that the caller sets to 1; a program that calls {@code bpf_override_return}
     * sets it to 0.
     */
    public static final int FUNCTION_RUNS = -24;

    /** Offset from the context of the word where such a program puts the result. */
    public static final int OVERRIDING_RESULT = -32;

    /** Whether the code calls the target's agent. */
    public enum Calls {
        /** Self-contained. */
        NONE,
        /** Calls helpers of the agent. */
        HELPERS
    }

    /** 8-byte values that the caller stores at fixed negative offsets from the context. */
    public enum BelowContext {
        /** The address of the probed function or instruction. */
        FUNCTION_IP(-8),
        /** The attach cookie. */
        ATTACH_COOKIE(-16);

        private final int offset;

        BelowContext(int offset) {
            this.offset = offset;
        }

        /** Offset from the context pointer. */
        public int offset() {
            return offset;
        }
    }

    /** The code of the block whose first instruction is at {@code slot} begins at {@code offset}. */
    public record SlotOffset(int slot, int offset) {}

    @Override
    public boolean equals(Object other) {
        return other instanceof CompiledProgram program
                && name.equals(program.name)
                && address == program.address
                && Arrays.equals(code, program.code);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(code);
    }
}
