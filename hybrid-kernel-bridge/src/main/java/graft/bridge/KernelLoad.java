package graft.bridge;

/** What the kernel made of a collection. Nothing of it stays in the kernel unless it is loaded. */
public sealed interface KernelLoad {
    /** All of it is in the kernel. */
    record Loaded(KernelCollection collection) implements KernelLoad {}

    /**
     * The kernel's verifier does not accept a program.
     *
     * @param program its name
     * @param where the source line, or the slot when the object has no lines
     * @param instruction the instruction as the kernel prints it, empty when the log names none
     * @param reason the verifier's words
     * @param log the last useful lines of its log
     */
    record Rejected(String program, String where, String instruction, String reason, String log) implements KernelLoad {
        @Override
        public String toString() {
            return "the kernel rejects %s at %s: %s".formatted(program, where, reason);
        }
    }

    /**
     * Something else is in the way: a map, a limit, a privilege, a kind of program.
     *
     * @param what the map or program
     * @param why the reason
     * @param suggestion what to try
     */
    record Refused(String what, String why, String suggestion) implements KernelLoad {
        @Override
        public String toString() {
            return what + ": " + why + "\n  try: " + suggestion;
        }
    }
}
