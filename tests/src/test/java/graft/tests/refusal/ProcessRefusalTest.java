package graft.tests.refusal;

import static graft.tests.refusal.Answer.graft;
import static graft.tests.refusal.Answer.refused;
import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.linux.PosixSpawn;
import graft.platform.linux.Signals;
import graft.platform.linux.Waitpid;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes that cannot be attached to. */
@Tag("slow")
@Timeout(90)
class ProcessRefusalTest {
    private static final String OBJECT = "target/test-classes/bpf/count_work.bpf.o";
    private static final String NOBODY = "65534";
    private static final int KTHREADD = 2;

    @TempDir
    private Path folder;

    private CountingTarget target() throws IOException, InterruptedException {
        return CountingTarget.start(CountingTarget.program(folder, "counting"));
    }

    /** Runs, counts and lists: all say the same. */
    private static void allRefuse(String pid, Answer expected) {
        assertThat(graft("run", OBJECT, "-p", pid)).isEqualTo(expected);
        assertThat(graft("count", "counting:work", "-p", pid)).isEqualTo(expected);
        assertThat(graft("latency", "counting:work", "-p", pid)).isEqualTo(expected);
        assertThat(graft("plan", "uprobe:counting:work", "-p", pid)).isEqualTo(expected);
    }

    @Test
    void noSuchProcess() {
        Answer expected = refused(
                6,
                "GRAFT-T001 cannot attach to process 67108863",
                "  there is no process 67108863",
                "  try: pgrep -a NAME");
        allRefuse("67108863", expected);
        assertThat(graft("list", "-p", "67108863")).isEqualTo(expected);
    }

    @Test
    void anotherUsersProcessWithoutTheCapability() throws IOException, InterruptedException {
        Path program = CountingTarget.program(folder, "counting");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path counter = folder.resolve("calls");
        List<String> asNobody = List.of(
                "setpriv",
                "--reuid=" + NOBODY,
                "--regid=" + NOBODY,
                "--clear-groups",
                program.toString(),
                counter.toString());
        List<String> powerless = List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all");
        try (CountingTarget target = CountingTarget.start(asNobody, counter)) {
            for (List<String> words : List.of(
                    List.of("run", OBJECT), List.of("count", "counting:work"), List.of("list", "uprobe:counting:*"))) {
                List<String> all = new java.util.ArrayList<>(words);
                all.addAll(List.of("-p", target.word()));
                Answer answer = graft(powerless, Map.of(), all.toArray(String[]::new));
                assertThat(answer.status()).as(answer.err()).isEqualTo(5);
                assertThat(answer.out()).isEmpty();
                assertThat(answer.err().lines().toList())
                        .satisfiesExactly(
                                line -> assertThat(line)
                                        .isEqualTo("GRAFT-D003 cannot attach to process " + target.pid()),
                                line -> assertThat(line)
                                        .startsWith(
                                                "  process " + target.pid() + " (counting) belongs to uid " + NOBODY
                                                        + ", graft runs as uid 0 without CAP_SYS_PTRACE; Yama's ptrace_scope is "),
                                line -> assertThat(line)
                                        .isEqualTo(
                                                "  try: run as root, or with CAP_SYS_PTRACE; as the process's user where"
                                                        + " ptrace_scope is 0"));
                target.goesOn();
            }
        }
    }

    @Test
    void tracedByStrace() throws IOException, InterruptedException {
        tracedBy("strace", "-qq", "-o", "/dev/null", "-p");
    }

    @Test
    void tracedByGdb() throws IOException, InterruptedException {
        tracedBy("gdb", "-q", "-nx", "-iex", "set debuginfod enabled off", "-ex", "continue", "-p");
    }

    private void tracedBy(String... command) throws IOException, InterruptedException {
        try (CountingTarget target = target()) {
            List<String> words = new java.util.ArrayList<>(List.of(command));
            words.add(target.word());
            Process tracer = new ProcessBuilder(words)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try {
                while (target.tracer() == 0) {
                    assertThat(tracer.isAlive()).isTrue();
                    Thread.onSpinWait();
                }
                allRefuse(
                        target.word(),
                        refused(
                                4,
                                "GRAFT-T003 cannot attach to process " + target.pid(),
                                "  process " + target.pid() + " (counting) is already traced by process " + tracer.pid()
                                        + " (" + command[0] + ")",
                                "  try: detach that tracer first; a process has one tracer at a time"));
                assertThat(target.tracer()).isEqualTo((int) tracer.pid());
                target.goesOn();
            } finally {
                tracer.destroyForcibly();
                tracer.waitFor();
            }
        }
    }

    @Test
    void aZombie() {
        int pid = PosixSpawn.spawn("/bin/true", List.of("true"), List.of(), Optional.empty());
        while (!isZombie(pid)) {
            Thread.onSpinWait();
        }
        try {
            allRefuse(
                    Integer.toString(pid),
                    refused(
                            6,
                            "GRAFT-T004 cannot attach to process " + pid,
                            "  process " + pid + " (true) has ended and waits for its parent "
                                    + ProcessHandle.current().pid(),
                            "  try: a live process"));
            assertThat(isZombie(pid)).isTrue();
        } finally {
            reap(pid);
        }
    }

    private static boolean isZombie(int pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            return stat.charAt(stat.lastIndexOf(')') + 2) == 'Z';
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("looking at process " + pid, e);
        }
    }

    private static void reap(int pid) {
        try (Arena arena = Arena.ofConfined()) {
            Waitpid.waitpid(pid, 0, arena.allocate(ValueLayout.JAVA_INT));
        }
    }

    @Test
    void aStoppedProcessStaysStopped() throws IOException, InterruptedException {
        try (CountingTarget target = target()) {
            Signals.kill(target.pid(), Signals.SIGSTOP);
            while (target.state() != 'T') {
                Thread.onSpinWait();
            }
            long calls = target.calls();
            allRefuse(
                    target.word(),
                    refused(
                            4,
                            "GRAFT-T007 cannot attach to process " + target.pid(),
                            "  process " + target.pid() + " (counting) is stopped (state T) and stays so",
                            "  try: kill -CONT " + target.pid() + ", then attach"));
            assertThat(target.state()).isEqualTo('T');
            assertThat(target.calls()).isEqualTo(calls);
            Signals.kill(target.pid(), Signals.SIGCONT);
            target.goesOn();
        }
    }

    @Test
    void a32BitProgram() throws IOException {
        Path program = Files.write(folder.resolve("small"), elf32());
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        int pid = PosixSpawn.spawn(program.toString(), List.of("small"), List.of(), Optional.empty());
        try {
            assertThat(graft("run", OBJECT, "-p", Integer.toString(pid)))
                    .isEqualTo(refused(
                            4,
                            "GRAFT-T005 cannot attach to process " + pid,
                            "  process " + pid + " (small) is a 32-bit program",
                            "  try: a 64-bit build of it"));
            assertThat(isZombie(pid)).isFalse();
        } finally {
            Signals.kill(pid, Signals.SIGKILL);
            reap(pid);
        }
    }

    /** An i386 program that only calls pause. */
    private static byte[] elf32() {
        byte[] code = {(byte) 0xb8, 29, 0, 0, 0, (byte) 0xcd, (byte) 0x80, (byte) 0xeb, (byte) 0xf7};
        int base = 0x08048000;
        int start = 52 + 32;
        int size = start + code.length;
        ByteBuffer out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        out.put(new byte[] {0x7f, 'E', 'L', 'F', 1, 1, 1}).position(16);
        out.putShort((short) 2)
                .putShort((short) 3)
                .putInt(1)
                .putInt(base + start)
                .putInt(52);
        out.putInt(0).putInt(0).putShort((short) 52).putShort((short) 32).putShort((short) 1);
        out.putShort((short) 40).putShort((short) 0).putShort((short) 0);
        out.putInt(1)
                .putInt(0)
                .putInt(base)
                .putInt(base)
                .putInt(size)
                .putInt(size)
                .putInt(5)
                .putInt(4096);
        return out.put(code).array();
    }

    @Test
    void aKernelThread() {
        allRefuse(
                Integer.toString(KTHREADD),
                refused(
                        4,
                        "GRAFT-T006 cannot attach to process 2",
                        "  process 2 (kthreadd) is a kernel thread",
                        "  try: a process that has an executable: /proc/PID/exe"));
    }
}
