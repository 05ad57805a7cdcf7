package graft.attach;

import graft.attach.TargetFacts.Seccomp;
import graft.platform.linux.Errno;
import graft.platform.linux.ProcMem;
import graft.platform.linux.Sched;
import graft.platform.linux.SysException;
import graft.platform.proc.Execution;
import graft.platform.proc.ProcessStat;
import graft.platform.proc.ProcessStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Whether a process can be attached to, found without touching it. */
public sealed interface TargetInspection {

    /** It can. */
    record Attachable(TargetFacts facts) implements TargetInspection {}

    /** It cannot. */
    record Refused(Refusal refusal) implements TargetInspection {}

    /** Looks at {@code pid} through {@code /proc}; nothing is traced, stopped or written. */
    static TargetInspection inspect(int pid) {
        return new Inspector(pid).inspect();
    }

    /** One inspection. */
    final class Inspector {
        private static final long PF_KTHREAD = 0x200000;
        private static final int CAP_SYS_ADMIN = 21;
        private static final int LOOKS = 1000;
        private static final long LOOK_NANOS = 1_000_000;

        /** So many looks. */
        private static final int MOMENT = 20;

        private final int pid;

        private Inspector(int pid) {
            this.pid = pid;
        }

        private TargetInspection inspect() {
            if (pid == ProcessHandle.current().pid()) {
                return refused(Refusal.Kind.OWN_PROCESS, "process " + pid + " is graft itself", "another process");
            }
            Optional<Execution> execution = Execution.find(pid);
            TargetInspection inspection = look();
            // What is said of it is said of one program.
            for (int again = 0; again < LOOKS && !execution.equals(Execution.find(pid)); again++) {
                execution = Execution.find(pid);
                inspection = look();
            }
            return inspection;
        }

        private TargetInspection look() {
            Optional<ProcessStatus> read = awaitTurn();
            Optional<ProcessStat> stat = ProcessStat.find(pid);
            if (read.isEmpty() || stat.isEmpty()) {
                return refused(Refusal.Kind.NO_SUCH_PROCESS, "there is no process " + pid, "pgrep -a NAME");
            }
            ProcessStatus status = read.get();
            if (status.tgid() != pid) {
                return refused(
                        Refusal.Kind.NO_SUCH_PROCESS,
                        pid + " is a thread of process " + status.tgid(),
                        "that process id");
            }
            return state(status, stat.get());
        }

        /** Another session may hold the process just now, for less than a millisecond. */
        private Optional<ProcessStatus> awaitTurn() {
            Optional<ProcessStatus> status = ProcessStatus.find(pid);
            for (int look = 0; look < LOOKS && mayChange(status, look); look++) {
                Sched.nanosleep(LOOK_NANOS);
                status = ProcessStatus.find(pid);
            }
            return status;
        }

        private static boolean mayChange(Optional<ProcessStatus> status, int look) {
            return status.filter(one -> isOurs(one) || look < MOMENT && isTracedByParent(one))
                    .isPresent();
        }

        /** Or not traced: of a process that is just let go the kernel names the parent instead of the tracer. */
        private static boolean isTracedByParent(ProcessStatus status) {
            return status.tracer() != 0 && status.tracer() == status.parent();
        }

        private static boolean isOurs(ProcessStatus status) {
            if (status.tracer() == 0) {
                return status.state() == 't'; // its tracer has just let it go
            }
            return ProcessStatus.find(status.tracer())
                    .map(tracer -> tracer.name().startsWith(TracerThread.NAME))
                    .orElse(true);
        }

        private TargetInspection state(ProcessStatus status, ProcessStat stat) {
            String who = "process " + pid + " (" + status.name() + ")";
            if ((stat.flags() & PF_KTHREAD) != 0) {
                return refused(
                        Refusal.Kind.KERNEL_THREAD,
                        who + " is a kernel thread",
                        "a process that has an executable: /proc/PID/exe");
            }
            if (stat.ended()) {
                return refused(
                        Refusal.Kind.ZOMBIE,
                        who + " has ended and waits for its parent " + status.parent(),
                        "a live process");
            }
            int tracer = status.tracer();
            if (tracer != 0) {
                String name =
                        ProcessStatus.find(tracer).map(ProcessStatus::name).orElse("?");
                return refused(
                        Refusal.Kind.ALREADY_TRACED,
                        who + " is already traced by process " + tracer + " (" + name + ")",
                        "detach that tracer first; a process has one tracer at a time");
            }
            if (status.state() == 'T' || status.state() == 't') {
                return refused(
                        Refusal.Kind.STOPPED,
                        who + " is stopped (state " + stat.state() + ") and stays so",
                        "kill -CONT " + pid + ", then attach");
            }
            return permission(who, status, stat);
        }

        private TargetInspection permission(String who, ProcessStatus status, ProcessStat stat) {
            try {
                ProcMem.open(pid).close();
                return machine(who, status, stat);
            } catch (SysException refused) {
                if (refused.errno() != Errno.EACCES && refused.errno() != Errno.EPERM) {
                    return hasJustEnded(who);
                }
                return refused(
                        Refusal.Kind.NOT_PERMITTED,
                        who + " " + forbidden(status.effectiveUid()),
                        "run as root, or with CAP_SYS_PTRACE; as the process's user where ptrace_scope is 0");
            }
        }

        private TargetInspection machine(String who, ProcessStatus status, ProcessStat stat) {
            if (isElf32()) {
                return refused(Refusal.Kind.NOT_64_BIT, who + " is a 32-bit program", "a 64-bit build of it");
            }
            Seccomp seccomp = Seccomp.values()[Math.min(2, status.seccomp())];
            if (seccomp != Seccomp.NONE && !ownCapability(CAP_SYS_ADMIN)) {
                return refused(
                        Refusal.Kind.SECCOMP,
                        who + " has a seccomp filter, which may kill it at the system calls of an attach; suspending"
                                + " the filter meanwhile needs CAP_SYS_ADMIN, which graft does not have here",
                        "run as root");
            }
            Optional<Execution> execution = Execution.find(pid);
            if (execution.isEmpty()) {
                return hasJustEnded(who);
            }
            return new Attachable(new TargetFacts(
                    pid,
                    stat.startTime(),
                    execution.get(),
                    status.name(),
                    status.effectiveUid(),
                    status.threads(),
                    seccomp));
        }

        private TargetInspection hasJustEnded(String who) {
            return refused(Refusal.Kind.NO_SUCH_PROCESS, who + " has just ended", "check the number");
        }

        private boolean isElf32() {
            byte[] head = new byte[5];
            try (var in = Files.newInputStream(Path.of("/proc/" + pid + "/exe"))) {
                return in.readNBytes(head, 0, 5) == 5 && head[4] == 1;
            } catch (IOException unreadable) {
                // The program file may be gone or in another namespace; the stop itself checks cs again.
                return false;
            }
        }

        private static boolean ownCapability(int capability) {
            return ProcessStatus.own().capabilities() >>> capability % 64 << 63 != 0;
        }

        private static String forbidden(int uid) {
            int own = ProcessStatus.own().effectiveUid();
            String rule = "Yama's ptrace_scope is " + yama();
            return uid == own
                    ? "is this user's (uid " + uid + "), but may not be traced: it is set-uid or not dumpable, or "
                            + rule
                    : "belongs to uid " + uid + ", graft runs as uid " + own + " without CAP_SYS_PTRACE; " + rule;
        }

        private static String yama() {
            try {
                return Files.readString(Path.of("/proc/sys/kernel/yama/ptrace_scope"))
                        .trim();
            } catch (IOException absent) {
                return "absent";
            }
        }

        private static TargetInspection refused(Refusal.Kind kind, String reason, String suggestion) {
            return new TargetInspection.Refused(new Refusal(kind, reason, suggestion));
        }
    }
}
