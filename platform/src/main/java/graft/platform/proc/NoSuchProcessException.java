package graft.platform.proc;

/** The process does not exist, or ended while it was looked at. */
public final class NoSuchProcessException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int pid;

    NoSuchProcessException(int pid) {
        super("no process " + pid);
        this.pid = pid;
    }

    /** The number that was asked for. */
    public int pid() {
        return pid;
    }
}
