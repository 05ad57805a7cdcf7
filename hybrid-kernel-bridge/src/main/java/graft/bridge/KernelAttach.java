package graft.bridge;

/** What became of attaching a program to a kernel event. */
public sealed interface KernelAttach {
    /** The program runs from now on, until the link is closed. */
    record Attached(KernelLink link) implements KernelAttach {}

    /**
     * It does not run.
     *
     * @param what the event
     * @param why the reason
     * @param suggestion what to try
     */
    record Refused(String what, String why, String suggestion) implements KernelAttach {
        @Override
        public String toString() {
            return what + ": " + why + "\n  try: " + suggestion;
        }
    }
}
