package graft.attach;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import graft.platform.layout.TraceeLayout;
import graft.platform.linux.Errno;
import graft.platform.linux.Ptrace;
import graft.platform.linux.SysException;
import graft.platform.linux.UserRegs;
import graft.platform.linux.WaitStatus;
import graft.platform.linux.Waitpid;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One thread of the target. Used only on the tracer's OS thread. Its buffers belong to the arena of the target. */
final class TracedThread {
    private static final long EINTR = -4;
    private static final long ERESTARTNOHAND = -514;

    /** Where the thread is; the tracer knows the states by their order. */
    enum State {
        RUNNING,
        ASKED,
        STOPPED,
        GONE
    }

    private static final State[] STATES = State.values();

    final int tid;
    final MemorySegment registers;
    private final MemorySegment struct;
    private final MemorySegment status;

    TracedThread(int tid, Arena arena) {
        this.tid = tid;
        this.struct = arena.allocate(TraceeLayout.SIZE, 8);
        this.registers = struct.asSlice(TraceeLayout.REGISTERS, UserRegs.SIZE);
        this.status = struct.asSlice(TraceeLayout.INFO, Waitpid.SIGINFO_SIZE);
        struct.set(JAVA_INT, TraceeLayout.TID, tid);
        become(State.RUNNING);
    }

    /** The {@code struct graft_tracee} that the tracer uses. */
    long address() {
        return struct.address();
    }

    /** The signal mask that the tracer has read. */
    MemorySegment mask() {
        return struct.asSlice(TraceeLayout.MASK, 8);
    }

    State state() {
        return STATES[struct.get(JAVA_INT, TraceeLayout.STATE)];
    }

    private void become(State state) {
        struct.set(JAVA_INT, TraceeLayout.STATE, state.ordinal());
    }

    void interrupt() {
        if (state() == State.RUNNING) {
            try {
                Ptrace.interrupt(tid);
                become(State.ASKED);
            } catch (SysException failed) {
                gone(failed);
            }
        }
    }

    /** Looks whether the thread has stopped meanwhile; a signal on its way is passed on. Registers are read then. */
    State poll() {
        while (state() == State.ASKED) {
            try {
                int word = Waitpid.stopOf(tid, status);
                if (word != Waitpid.NOTHING) {
                    reported(WaitStatus.decode(word));
                } else if (Waitpid.hasEnded(tid, status)) {
                    // The process may be our child, and its exit code somebody else's.
                    become(State.GONE);
                } else {
                    return state();
                }
            } catch (SysException failed) {
                gone(failed);
            }
        }
        return state();
    }

    private void reported(WaitStatus what) {
        switch (what) {
            case WaitStatus.Exited _, WaitStatus.Signaled _ -> become(State.GONE);
            case WaitStatus.Stopped(var signal, var event) -> {
                if (event == WaitStatus.EVENT_STOP) {
                    Ptrace.getRegs(tid, registers);
                    // At once: if we die later, the interruption stays invisible.
                    if (repair(registers)) {
                        writeRegisters();
                    }
                    become(State.STOPPED);
                } else if (event == WaitStatus.EVENT_EXEC) {
                    Ptrace.detach(tid, 0);
                    become(State.GONE);
                } else {
                    // The stop for the signal may have taken the place of the one that was asked for.
                    Ptrace.interrupt(tid);
                    Ptrace.cont(tid, signal);
                }
            }
            case WaitStatus.Continued _ -> {}
        }
    }

    void writeRegisters() {
        Ptrace.setRegs(tid, registers);
    }

    /** Lets the thread go on as if it had never been stopped. */
    void detach() {
        if (state() == State.STOPPED) {
            try {
                Ptrace.detach(tid, 0);
            } catch (SysException failed) {
                gone(failed);
            }
            become(State.RUNNING);
        }
    }

    private void gone(SysException failed) {
        if (!failed.is(Errno.ESRCH) && !failed.is(Errno.ECHILD)) {
            throw failed;
        }
        become(State.GONE);
    }

    long programCounter() {
        return UserRegs.RIP.get(registers);
    }

    /**
     * Makes the interruption invisible: a system call that the stop ended with EINTR gets the kernel's own restart code,
     * so it starts again unless a signal handler runs. @return whether anything changed
     */
    static boolean repair(MemorySegment registers) {
        boolean hit = UserRegs.ORIG_RAX.get(registers) >= 0 && UserRegs.RAX.get(registers) == EINTR;
        if (hit) {
            UserRegs.RAX.set(registers, ERESTARTNOHAND);
        }
        return hit;
    }
}
