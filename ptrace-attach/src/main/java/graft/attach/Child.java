package graft.attach;

import graft.platform.linux.Errno;
import graft.platform.linux.Pidfd;
import graft.platform.linux.Signals;
import graft.platform.linux.SysException;
import graft.platform.linux.WaitStatus;
import graft.platform.linux.Waitpid;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A process that we started and that only we wait for. Used by one thread at a time. */
public final class Child implements AutoCloseable {
    private static final int SIGNALED = 128;

    private final int pid;
    private int status = Waitpid.NOTHING;

    Child(int pid) {
        this.pid = pid;
    }

    /** Its process id; its own again as soon as it has been awaited. */
    public int pid() {
        return pid;
    }

    /** Waits until it has ended. @return its exit code, or 128 and the signal that ended it */
    public int awaitExit() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment word = arena.allocate(ValueLayout.JAVA_INT);
            while (status == Waitpid.NOTHING) {
                Pidfd.awaitEnd(pid); // while it is not awaited, its number is its own
                int found = Waitpid.waitpid(pid, Waitpid.WALL, word);
                status = switch (WaitStatus.decode(found)) {
                    case WaitStatus.Exited(var code) -> code;
                    case WaitStatus.Signaled(var signal) -> SIGNALED + signal;
                    case WaitStatus.Stopped _, WaitStatus.Continued _ -> Waitpid.NOTHING;
                };
            }
            return status;
        }
    }

    /** Ends it if it still runs, and waits for it. */
    @Override
    public void close() {
        if (status == Waitpid.NOTHING) {
            try {
                Signals.kill(pid, Signals.SIGKILL);
            } catch (SysException failed) {
                if (!failed.is(Errno.ESRCH)) {
                    throw failed;
                }
            }
            awaitExit();
        }
    }
}
