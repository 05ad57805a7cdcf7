package graft.ebpf.jit;

/** The outcome of compiling a program. */
public sealed interface Compilation {
    /** Machine code. */
    record Compiled(CompiledProgram program) implements Compilation {}

    /**
     * The program uses something that compiled code does not offer.
     *
     * @param slot the instruction
     * @param reason what it uses, in words
     */
    record Refused(String program, int slot, String reason) implements Compilation {
        @Override
        public String toString() {
            return "program %s cannot be compiled: instruction %d %s".formatted(program, slot, reason);
        }
    }
}
