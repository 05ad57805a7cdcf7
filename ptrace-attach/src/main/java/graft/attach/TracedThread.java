package graft.attach;

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
    private static final long ERESTARTSYS = -512;
    private static final long ERESTARTNOHAND = -514;
    private static final long ERESTART_RESTARTBLOCK = -516;
    private static final long SYS_RESTART_SYSCALL = 219;
    private static final int SYSCALL_BYTES = 2;

    /** Where the thread is. */
    enum State {
        RUNNING,
        ASKED,
        STOPPED,
        GONE
    }

    final int tid;
    final MemorySegment registers;
    private final MemorySegment status;
    private State state = State.RUNNING;

    TracedThread(int tid, Arena arena) {
        this.tid = tid;
        this.registers = arena.allocate(UserRegs.SIZE, 8);
        this.status = arena.allocate(Waitpid.SIGINFO_SIZE, 8);
    }

    State state() {
        return state;
    }

    void interrupt() {
        if (state == State.RUNNING) {
            try {
                Ptrace.interrupt(tid);
                state = State.ASKED;
            } catch (SysException failed) {
                gone(failed);
            }
        }
    }

    /** Looks whether the thread has stopped meanwhile; a signal on its way is passed on. Registers are read then. */
    State poll() {
        while (state == State.ASKED) {
            try {
                int word = Waitpid.stopOf(tid, status);
                if (word != Waitpid.NOTHING) {
                    reported(WaitStatus.decode(word));
                } else if (Waitpid.hasEnded(tid, status)) {
                    // The process may be our child, and its exit code somebody else's.
                    state = State.GONE;
                } else {
                    return state;
                }
            } catch (SysException failed) {
                gone(failed);
            }
        }
        return state;
    }

    private void reported(WaitStatus what) {
        switch (what) {
            case WaitStatus.Exited _, WaitStatus.Signaled _ -> state = State.GONE;
            case WaitStatus.Stopped(var signal, var event) -> {
                if (event == WaitStatus.EVENT_STOP) {
                    Ptrace.getRegs(tid, registers);
                    // At once: if we die later, the interruption stays invisible.
                    if (repair(registers)) {
                        writeRegisters();
                    }
                    state = State.STOPPED;
                } else if (event == WaitStatus.EVENT_EXEC) {
                    Ptrace.detach(tid, 0);
                    state = State.GONE;
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

    void resume() {
        Ptrace.cont(tid, 0);
        state = State.RUNNING;
    }

    /** Lets the thread go on as if it had never been stopped. */
    void detach() {
        if (state == State.STOPPED) {
            try {
                Ptrace.detach(tid, 0);
            } catch (SysException failed) {
                gone(failed);
            }
            state = State.RUNNING;
        }
    }

    private void gone(SysException failed) {
        if (!failed.is(Errno.ESRCH) && !failed.is(Errno.ECHILD)) {
            throw failed;
        }
        state = State.GONE;
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

    /** Whether the thread's next instruction is the {@code syscall} before its program counter. */
    static boolean restarts(MemorySegment registers) {
        long result = UserRegs.RAX.get(registers);
        boolean code =
                result == EINTR || result <= ERESTARTSYS && result >= ERESTARTNOHAND || result == ERESTART_RESTARTBLOCK;
        return UserRegs.ORIG_RAX.get(registers) >= 0 && code;
    }

    /** Does by hand what the kernel does for an interrupted call: for the routine, which must manage without it. */
    static void restartByHand(MemorySegment registers) {
        if (restarts(registers)) {
            boolean block = UserRegs.RAX.get(registers) == ERESTART_RESTARTBLOCK;
            UserRegs.RAX.set(registers, block ? SYS_RESTART_SYSCALL : UserRegs.ORIG_RAX.get(registers));
            UserRegs.RIP.set(registers, UserRegs.RIP.get(registers) - SYSCALL_BYTES);
        }
    }
}
