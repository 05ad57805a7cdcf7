package graft.platform.linux;

/** What {@code waitpid} reported of a process or a traced thread. */
public sealed interface WaitStatus {
    /** {@code PTRACE_EVENT_EXEC}. */
    int EVENT_EXEC = 4;

    /** {@code PTRACE_EVENT_STOP}: the answer to PTRACE_INTERRUPT, or a group stop. */
    int EVENT_STOP = 128;

    /** It ended by itself. */
    record Exited(int code) implements WaitStatus {}

    /** A signal ended it. */
    record Signaled(int signal) implements WaitStatus {}

    /**
     * It is stopped.
     *
     * @param signal the stop signal ({@code SIGTRAP | 0x80} for a system call stop)
     * @param event the ptrace event, or 0 for a signal about to be delivered
     */
    record Stopped(int signal, int event) implements WaitStatus {}

    /** It was continued by SIGCONT. */
    record Continued() implements WaitStatus {}

    /** Decodes a status word. */
    static WaitStatus decode(int status) {
        if ((status & 0x7f) == 0) {
            return new Exited(status >> 8 & 0xff);
        }
        if (status == 0xffff) {
            return new Continued();
        }
        if ((status & 0xff) == 0x7f) {
            return new Stopped(status >> 8 & 0xff, status >> 16 & 0xff);
        }
        return new Signaled(status & 0x7f);
    }
}
