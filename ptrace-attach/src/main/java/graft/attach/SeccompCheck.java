package graft.attach;

import graft.platform.linux.Errno;
import graft.platform.linux.Ptrace;
import graft.platform.linux.SysException;
import graft.platform.proc.ProcessStatus;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Programs in a target make a few system calls of their own, long after the attach: the thread's seccomp filter must let
 * them through, because most filters kill.
 */
final class SeccompCheck {
    private static final int FILTERS = 256;

    private final int pid;
    private final Set<AgentSyscall> needed;

    SeccompCheck(Injection injection) {
        this.pid = injection.pid();
        this.needed = injection.syscalls();
    }

    /** Whether there is anything to look at. The threads need not be stopped. */
    boolean concerns(List<TracedThread> threads) {
        return !needed.isEmpty() && threads.stream().anyMatch(thread -> isFiltered(thread.tid));
    }

    /** Looks at the filters of stopped threads. */
    Optional<Refusal> check(List<TracedThread> threads) {
        return threads.stream()
                .filter(thread -> isFiltered(thread.tid))
                .flatMap(thread -> check(thread.tid).stream())
                .findFirst();
    }

    private static boolean isFiltered(int tid) {
        return ProcessStatus.find(tid).map(status -> status.seccomp() != 0).orElse(false);
    }

    private Optional<Refusal> check(int tid) {
        try (Arena arena = Arena.ofConfined()) {
            for (int index = 0; index < FILTERS; index++) {
                int length = Ptrace.seccompFilter(tid, index, MemorySegment.NULL);
                MemorySegment bytes = arena.allocate(8L * length, 8);
                Ptrace.seccompFilter(tid, index, bytes);
                SeccompFilter filter = new SeccompFilter(bytes);
                Optional<AgentSyscall> denied = needed.stream()
                        .filter(call -> !filter.allows(call.number()))
                        .sorted()
                        .findFirst();
                if (denied.isPresent()) {
                    return Optional.of(denied(tid, denied.get()));
                }
            }
            return Optional.empty();
        } catch (SysException failed) {
            return failed.is(Errno.ENOENT) ? Optional.empty() : Optional.of(unreadable(failed));
        }
    }

    private Refusal denied(int tid, AgentSyscall call) {
        return new Refusal(
                Refusal.Kind.SECCOMP,
                "the seccomp filter of " + (tid == pid ? "process " + pid : "thread " + tid + " of process " + pid)
                        + " does not let " + call
                        + " through, which these programs need there: it could end the process",
                "--where kernel; or programs that neither read the process's memory nor send events");
    }

    private Refusal unreadable(SysException failed) {
        return new Refusal(
                Refusal.Kind.SECCOMP,
                "it is not known which system calls the seccomp filter of process " + pid + " lets through: "
                        + failed.getMessage(),
                "run as root");
    }
}
