package graft.attach;

/** The target ended, or replaced itself by {@code execve}, while graft was working on it. */
public final class TraceeGoneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param during what graft was doing */
    public TraceeGoneException(int pid, String during) {
        super("process " + pid + " ended, or started another program, while " + during);
    }
}
