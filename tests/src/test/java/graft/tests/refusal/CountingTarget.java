package graft.tests.refusal;

import static org.assertj.core.api.Assertions.assertThat;

import graft.daemon.ProgramStart;
import graft.platform.linux.PosixSpawn;
import graft.platform.linux.Signals;
import graft.platform.linux.Waitpid;
import graft.platform.proc.ProcessStat;
import graft.platform.proc.ProcessStatus;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A process that calls {@code work} every millisecond and writes how often to a file: whether it still goes on can be
 * seen without touching it. Killed on close.
 */
final class CountingTarget implements AutoCloseable {
    private static final String SOURCE = """
            #include <fcntl.h>
            #include <linux/filter.h>
            #include <linux/seccomp.h>
            #include <stddef.h>
            #include <string.h>
            #include <sys/prctl.h>
            #include <sys/syscall.h>
            #include <time.h>
            #include <unistd.h>

            __attribute__((noinline, aligned(64))) long work(long a) { volatile long x = a; return x + 1; }
            #define ALLOW(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

            /* What the loop below needs, and death for anything else. */
            static void confine(void)
            {
                struct sock_filter filter[] = {
                    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                    ALLOW(SYS_pwrite64), ALLOW(SYS_clock_nanosleep), ALLOW(SYS_restart_syscall), ALLOW(SYS_exit_group),
                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                };
                struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
                    _exit(9);
            }

            int main(int argc, char **argv)
            {
                struct timespec pause = {0, 1000000};
                long calls = 0;
                int fd = open(argv[1], O_CREAT | O_WRONLY | O_TRUNC, 0666);
                if (fd < 0)
                    return 8;
                if (argc > 2 && !strcmp(argv[2], "confined"))
                    confine();
                for (;;) {
                    calls = work(calls);
                    pwrite(fd, &calls, sizeof calls, 0);
                    clock_nanosleep(CLOCK_REALTIME, 0, &pause, 0);
                }
            }
            """;

    private final int child;
    private final int pid;
    private final Path counter;

    private CountingTarget(int child, int pid, Path counter) {
        this.child = child;
        this.pid = pid;
        this.counter = counter;
    }

    /** Compiles the program. */
    static Path program(Path folder, String name, String... options) throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("counting.c"), SOURCE);
        Path program = folder.resolve(name);
        List<String> command = new ArrayList<>(List.of("gcc", "-O2", "-o", program.toString(), source.toString()));
        command.addAll(List.of(options));
        run(command);
        return program;
    }

    static void run(List<String> command) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor())
                .as(String.join(" ", command))
                .isZero();
    }

    /** Starts the program as it is. */
    static CountingTarget start(Path program, String... more) throws IOException {
        Path counter = program.resolveSibling(program.getFileName() + ".calls");
        List<String> command = new ArrayList<>(List.of(program.toString(), counter.toString()));
        command.addAll(List.of(more));
        return start(command, counter);
    }

    /** Starts a command that becomes the program, or whose only child does; {@code counter} is what it writes. */
    static CountingTarget start(List<String> command, Path counter) throws IOException {
        // Not by ProcessBuilder: its thread that waits for the child would take the stops of an attach for exits.
        String program = ProgramStart.find(command.getFirst()).orElseThrow().toString();
        int child = PosixSpawn.spawn(program, command, List.of("PATH=" + System.getenv("PATH")), Optional.empty());
        CountingTarget starting = new CountingTarget(child, child, counter);
        starting.awaitMoreThan(0);
        String children = Files.readString(Path.of("/proc/" + child + "/task/" + child + "/children"));
        int pid = children.isBlank() ? child : Integer.parseInt(children.strip());
        return new CountingTarget(child, pid, counter);
    }

    int pid() {
        return pid;
    }

    String word() {
        return Integer.toString(pid);
    }

    long calls() {
        try {
            byte[] bytes = Files.exists(counter) ? Files.readAllBytes(counter) : new byte[0];
            return bytes.length < Long.BYTES ? 0 : Long.reverseBytes(new java.math.BigInteger(bytes).longValue());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("reading " + counter, e);
        }
    }

    private void awaitMoreThan(long calls) {
        while (calls() <= calls) {
            assertThat(state()).as("the state of the target").isNotEqualTo('Z');
            Thread.onSpinWait();
        }
    }

    /** Waits until it has counted on; fails when it has ended. The test's timeout is the limit. */
    void goesOn() {
        awaitMoreThan(calls() + 2);
    }

    char state() {
        return ProcessStat.find(pid).map(ProcessStat::state).orElse('Z');
    }

    int tracer() {
        return ProcessStatus.find(pid).map(ProcessStatus::tracer).orElse(0);
    }

    @Override
    public void close() {
        Signals.kill(pid, Signals.SIGKILL);
        try (Arena arena = Arena.ofConfined()) {
            Waitpid.waitpid(child, 0, arena.allocate(ValueLayout.JAVA_INT));
        }
    }
}
