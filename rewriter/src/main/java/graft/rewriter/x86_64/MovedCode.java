package graft.rewriter.x86_64;

import graft.platform.asm.x86_64.X64Assembler;

/** Displaced instructions, to be written wherever the stub puts them. */
public interface MovedCode {
    /** No instructions. */
    MovedCode NONE = new MovedCode() {
        @Override
        public int maxLength() {
            return 0;
        }

        @Override
        public void write(X64Assembler asm) {
            // Nothing was displaced.
        }
    };

    /** An upper bound of the bytes that {@link #write} emits. */
    int maxLength();

    /** Emits the instructions at {@code asm.here()}. */
    void write(X64Assembler asm);
}
