package graft.attach;

import graft.platform.linux.Errno;
import graft.platform.linux.Ptrace;
import graft.platform.linux.Sched;
import graft.platform.linux.Signals;
import graft.platform.linux.SysException;
import graft.platform.linux.WaitStatus;
import graft.platform.linux.Waitpid;
import graft.platform.proc.ProcessStatus;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** The program that a thread is about to execute: traced from just before the call until the program is held. */
public sealed interface NextProgram {
    /** It is held before its first instruction, and nobody traces it. */
    record Held(ProgramHold hold) implements NextProgram {}

    /** It runs already: it could not be held. */
    record Runs(int pid) implements NextProgram {}

    /** Nothing was executed. */
    record Failed() implements NextProgram {}

    /** The process has ended. */
    record Ended() implements NextProgram {}

    /** The thread cannot be traced, and why. */
    record NotTraced(String reason) implements NextProgram {}

    /** How the one who waits and the thread know of each other. */
    interface Thread {
        /** It is traced now and may execute. */
        void mayExecute();

        /** Whether its call has failed, and it waits to be let go. */
        boolean hasFailed();
    }

    /**
     * Waits for the program of thread {@code tid}. To be called while the thread runs code that it does not leave before
     * {@link Thread#mayExecute}.
     *
     * @param pid its process, which a new program keeps
     */
    static NextProgram await(int pid, int tid, Thread thread) {
        return TracerThread.call("exec-" + tid, () -> new Wait(pid, tid).run(thread));
    }

    /** On one tracer thread. */
    final class Wait {
        private static final long PAUSE_NANOS = 50_000;
        private static final int ANY = -1;
        /** Not what other threads of this process trace. */
        private static final int OWN = 0x20000000;

        private final int pid;
        private final int tid;

        private Wait(int pid, int tid) {
            this.pid = pid;
            this.tid = tid;
        }

        private NextProgram run(Thread thread) {
            try {
                Ptrace.seize(tid, Ptrace.O_TRACEEXEC);
            } catch (SysException failed) {
                thread.mayExecute();
                return failed.is(Errno.ESRCH) ? new Ended() : new NotTraced(failed.getMessage());
            }
            thread.mayExecute();
            try (Arena arena = Arena.ofConfined()) {
                return watch(thread::hasFailed, arena.allocate(ValueLayout.JAVA_INT));
            } catch (SysException failed) {
                if (failed.is(Errno.ESRCH) || failed.is(Errno.ECHILD)) {
                    return new Ended();
                }
                throw failed;
            }
        }

        private NextProgram watch(BooleanSupplier hasFailed, MemorySegment status) {
            boolean asked = false;
            while (true) {
                if (!asked && hasFailed.getAsBoolean()) {
                    Ptrace.interrupt(tid);
                    asked = true;
                }
                int word = Waitpid.waitpid(ANY, Waitpid.WALL | Waitpid.WNOHANG | OWN, status);
                if (word == Waitpid.NOTHING) {
                    Sched.nanosleep(PAUSE_NANOS);
                    continue;
                }
                switch (WaitStatus.decode(word)) {
                    case WaitStatus.Exited _, WaitStatus.Signaled _ -> {
                        return new Ended();
                    }
                    case WaitStatus.Stopped(var signal, var event) -> {
                        if (event == WaitStatus.EVENT_EXEC) {
                            return executed();
                        }
                        if (asked) {
                            Ptrace.detach(tid, event == 0 ? signal : 0);
                            return new Failed();
                        }
                        goOn(signal, event);
                    }
                    case WaitStatus.Continued _ -> {}
                }
            }
        }

        private void goOn(int signal, int event) {
            if (event != WaitStatus.EVENT_STOP) {
                Ptrace.cont(tid, event == 0 ? signal : 0);
            } else if (signal == Signals.SIGTRAP) {
                Ptrace.cont(tid, 0);
            } else {
                Ptrace.listen(tid); // stopped as a whole, by a signal
            }
        }

        /** A filter of system calls, which it has from before, may kill it for those of the hold. */
        private boolean mayHold() {
            return ProcessStatus.find(pid)
                    .filter(status -> status.seccomp() == 0)
                    .isPresent();
        }

        private NextProgram executed() {
            Optional<ProgramHold> hold = mayHold() ? ProgramHold.place(pid) : Optional.empty();
            Ptrace.detach(pid, 0);
            return hold.<NextProgram>map(Held::new).orElseGet(() -> new Runs(pid));
        }
    }
}
