package graft.ebpf.jit.ir;

import graft.ebpf.insn.Wide;

/** What an operation can read. */
public sealed interface Value permits Var, Value.Constant, Value.Symbol, Value.FrameAddress {
    /** A number that is known. */
    record Constant(long value) implements Value {
        /** Whether a sign-extended 32-bit immediate can hold it. */
        public boolean isImmediate() {
            return value == (int) value;
        }
    }

    /** An address of the target that is known when code is written: of a map, a value, a function. */
    record Symbol(Wide wide) implements Value {}

    /** An address in the function's frame; {@code offset} is relative to r10. */
    record FrameAddress(int offset) implements Value {}
}
