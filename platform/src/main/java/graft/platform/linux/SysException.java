package graft.platform.linux;

/** A system call failed. Carries the call, its errno and what graft was doing, on what. */
public final class SysException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;
    private final String doing;

    /**
     * @param call the call as a man page names it, for example {@code "ptrace(PTRACE_SEIZE)"}
     * @param errno the positive errno
     * @param doing what was attempted, on what: {@code "seizing thread 4711"}
     */
    public SysException(String call, int errno, String doing) {
        super(doing + ": " + call + " failed with " + Errno.name(errno) + " (" + Errno.text(errno) + ")");
        this.call = call;
        this.errno = errno;
        this.doing = doing;
    }

    public String call() {
        return call;
    }

    public int errno() {
        return errno;
    }

    public String doing() {
        return doing;
    }

    public boolean is(int expectedErrno) {
        return errno == expectedErrno;
    }
}
