package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.PosixSpawn;
import graft.platform.linux.ProcMem;
import graft.platform.linux.Signals;
import graft.platform.linux.WaitStatus;
import graft.platform.linux.Waitpid;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.ProcessStat;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan;
import graft.rewriter.PatchSite;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A C program compiled for the test and run as a child of ours; killed and reaped on close. */
final class LiveTarget implements AutoCloseable {
    /**
     * N threads that call {@code probed}, and in turn one of the small functions behind {@code many}, for ever; the main
     * thread sleeps in the system call of argv[2].
     */
    static final String SOURCE = """
            #define _GNU_SOURCE
            #include <pthread.h>
            #include <stdlib.h>
            #include <unistd.h>
            #include <errno.h>
            #include <poll.h>
            #include <time.h>
            #include <sys/epoll.h>
            #include <sys/syscall.h>
            #include <fcntl.h>
            #include <string.h>
            #include <stdio.h>
            volatile long calls, wrong;
            __attribute__((noinline, aligned(64))) long probed(long a) {
              long r;
              __asm__ volatile("mov $1000, %%eax\\n add %1, %0" : "=&a"(r) : "r"(a));
              return r;
            }
            __asm__(".text\\n .p2align 12\\n many:\\n .rept 600\\n mov $7, %eax\\n ret\\n .p2align 4\\n .endr\\n");
            extern char many[];
            static void *spin(void *x) { for (long i = 0;; i++) { if (probed(i & 63) != 1000 + (i & 63)) wrong++; calls++; if (((int (*)(void))(many + 16 * (i % 600)))() != 7) wrong++; if ((i & 0xfff) == 0) getppid(); } return x; }
            int main(int argc, char **argv) {
              int n = atoi(argv[1]);
              for (int i = 1; i < n; i++) { pthread_t t; pthread_attr_t a; pthread_attr_init(&a); pthread_attr_setstacksize(&a, 65536); pthread_create(&t, &a, spin, 0); }
              int p[2]; if (pipe(p)) return 9; char b;
              int ep = epoll_create1(0); struct epoll_event ev = {.events = EPOLLIN}, out[1]; epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev);
              struct timespec ts = {600, 0}; struct pollfd f = {p[0], POLLIN, 0}; int word = 0;
              int fd = open(argv[3], O_CREAT | O_WRONLY | O_TRUNC, 0644); dprintf(fd, "ready %p %p %p %p\\n", (void *)probed, (void *)&calls, (void *)&wrong, (void *)many); close(fd);
              long r = 0; const char *k = argv[2];
              if (!strcmp(k, "spin")) spin(0);
              else if (!strcmp(k, "epoll")) r = epoll_wait(ep, out, 1, -1);
              else if (!strcmp(k, "nanosleep")) r = nanosleep(&ts, 0);
              else if (!strcmp(k, "poll")) r = poll(&f, 1, 600000);
              else if (!strcmp(k, "read")) r = read(p[0], &b, 1);
              else if (!strcmp(k, "futex")) r = syscall(SYS_futex, &word, 0, 0, 0, 0, 0);
              else if (!strcmp(k, "futextimed")) r = syscall(SYS_futex, &word, 0, 0, &ts, 0, 0);
              return 7;
            }
            """;

    static final int POOL_SIZE = 0x21000;
    final int pid;
    final long probed;
    final long many;
    private final long calls;
    private final long wrong;
    private final Path directory;
    private boolean ended;

    private LiveTarget(int pid, Path directory, long[] addresses) {
        this.pid = pid;
        this.directory = directory;
        this.probed = addresses[0];
        this.calls = addresses[1];
        this.wrong = addresses[2];
        this.many = addresses[3];
    }

    static LiveTarget start(int threads, String sleep) {
        return start(SOURCE, threads, sleep);
    }

    /** A program that is called as the one of {@link #SOURCE} is, and says the same. */
    static LiveTarget start(String code, int threads, String sleep) {
        try {
            Path directory = Files.createTempDirectory("graft-attach");
            Path source = Files.writeString(directory.resolve("t.c"), code);
            Path program = directory.resolve("t");
            Process gcc = new ProcessBuilder("gcc", "-O1", "-pthread", "-o", program.toString(), source.toString())
                    .inheritIO()
                    .start();
            if (gcc.waitFor() != 0) {
                throw new AssertionError("gcc failed");
            }
            Path ready = directory.resolve("ready");
            int pid = PosixSpawn.spawn(
                    program.toString(),
                    List.of("t", Integer.toString(threads), sleep, ready.toString()),
                    List.of(),
                    Optional.empty());
            while (!Files.exists(ready) || !Files.readString(ready).endsWith("\n")) {
                Thread.onSpinWait();
            }
            long[] addresses = Arrays.stream(Files.readString(ready).trim().split(" "))
                    .skip(1)
                    .mapToLong(text -> Long.parseUnsignedLong(text.substring(2), 16))
                    .toArray();
            return new LiveTarget(pid, directory, addresses);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    private long word(long address) {
        try (ProcMem memory = ProcMem.open(pid)) {
            return ByteBuffer.wrap(memory.readBytes(new RemoteAddress(address), 8))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
        }
    }

    long calls() {
        return word(calls);
    }

    long wrong() {
        return word(wrong);
    }

    /** Patches the {@code mov $1000,%eax} of {@code probed}; the stub counts in the pool's runtime region. */
    Injection injection() {
        return injection(pid, probed);
    }

    /** Where {@code probed} of {@code program} is in a process that runs it: by its instructions. */
    static long find(int pid, Path program) {
        byte[] marks = {(byte) 0xb8, (byte) 0xe8, 3, 0, 0};
        for (MemoryMapping text : ProcMaps.read(pid).mappings()) {
            if (text.isExecutable() && text.path().equals(Optional.of(program.toString()))) {
                try (ProcMem memory = ProcMem.open(pid)) {
                    byte[] bytes = memory.readBytes(text.start(), (int) text.size());
                    for (int i = 0; i < bytes.length - 16; i++) {
                        if (Arrays.equals(bytes, i, i + 5, marks, 0, 5) && bytes[i + 5] == 0x48 && bytes[i + 6] == 1) {
                            return text.start().value() + i - 2;
                        }
                    }
                }
            }
        }
        throw new AssertionError(program + " has no probed function");
    }

    static Injection injection(int pid, long probed) {
        try (ProcMem memory = ProcMem.open(pid)) {
            byte[] text = memory.readBytes(new RemoteAddress(probed), 32);
            int at = 0;
            while (!(text[at] == (byte) 0xb8 && text[at + 1] == (byte) 0xe8 && text[at + 2] == 3)) {
                at++;
            }
            long site = probed + at;
            long pool = pool(pid, probed);
            byte[] old = Arrays.copyOfRange(text, at, at + 5);
            long stub = pool + PoolConstants.CODE_OFFSET;
            ByteBuffer code = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
            // lock incq counter(%rip); the moved instruction; jmp back. The counter is outside the state and config.
            code.put(new byte[] {(byte) 0xf0, 0x48, (byte) 0xff, 0x05}).putInt((int) (pool - 0x1000 - (stub + 8)));
            code.put(old).put((byte) 0xe9).putInt((int) (site + 5 - (stub + 18)));
            byte[] stubBytes = Arrays.copyOf(code.array(), code.position());
            byte[] jump = ByteBuffer.allocate(5)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .put((byte) 0xe9)
                    .putInt((int) (stub - (site + 5)))
                    .array();
            PatchSite patch = new PatchSite(
                    new RemoteAddress(site),
                    "probed",
                    Code.of(old),
                    Code.of(jump),
                    List.of(),
                    PatchSite.Tactic.SINGLE_INSN,
                    PatchSite.Liveness.NO_INNER_BOUNDARY,
                    List.of());
            return new Injection(
                    pid,
                    List.of(new Injection.Pool(new RemoteAddress(pool), POOL_SIZE, Code.of(new byte[128]))),
                    List.of(),
                    new PatchPlan(
                            List.of(patch),
                            List.of(new PatchPlan.CodeBlock(new RemoteAddress(stub), Code.of(stubBytes), "stub"))));
        }
    }

    /** Hits counted by the stub. */
    static long hits(Attachment attachment) {
        Injection.Pool pool = attachment.injection().pools().getFirst();
        return ByteBuffer.wrap(attachment.readRuntime(pool, PoolConstants.RUNTIME_SIZE - 0x1000, 8))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    static long pool(int pid, long probed) {
        ProcMaps maps = ProcMaps.read(pid);
        long below = maps.at(new RemoteAddress(probed)).orElseThrow().start().value() - 0x1000000 & -0x1000L;
        return below > 0 ? below : probed + 0x20000000 & -0x1000L;
    }

    List<String> maps() {
        return new ArrayList<>(ProcMaps.read(pid).mappings().stream()
                .filter(m -> !m.path().equals(Optional.of("[heap]")))
                .map(MemoryMapping::toString)
                .toList());
    }

    boolean alive() {
        return ProcessStat.find(pid).map(stat -> stat.state() != 'Z').orElse(false);
    }

    /** Kills it and takes its status: no process has its number any more. */
    void end() {
        if (!ended) {
            ended = true;
            boolean wasAlive = alive();
            Signals.kill(pid, Signals.SIGKILL);
            try (Arena arena = Arena.ofConfined()) {
                int word = Waitpid.waitpid(pid, 0, arena.allocate(ValueLayout.JAVA_INT));
                if (!wasAlive) {
                    System.err.println("the target had ended: " + WaitStatus.decode(word));
                }
            }
        }
    }

    @Override
    public void close() {
        end();
        try {
            try (var files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
