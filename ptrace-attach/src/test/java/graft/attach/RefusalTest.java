package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import graft.platform.address.RemoteAddress;
import graft.platform.proc.Execution;
import graft.platform.proc.ProcessStatus;
import graft.rewriter.PatchPlan;
import java.io.IOException;
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

/** Refusals of real processes. */
@Tag("slow")
@Timeout(60)
class RefusalTest {
    private static final int KTHREADD = 2;

    @TempDir
    Path directory;

    private static Refusal refusal(int pid) {
        return ((TargetInspection.Refused) TargetInspection.inspect(pid)).refusal();
    }

    private static Child start(String... command) {
        Spawn spawn = new Spawn(List.of(command), Map.of("PATH", "/usr/sbin:/usr/bin:/bin"), Optional.empty());
        return ((Spawn.Started.Running) spawn.running()).child();
    }

    private static void awaitTracer(int pid) {
        while (ProcessStatus.of(pid).tracer() == 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void namesTheTracerOfATracedProcess() {
        try (LiveTarget target = LiveTarget.start(1, "read");
                Child strace = start("strace", "-qq", "-o", "/dev/null", "-p", Integer.toString(target.pid))) {
            awaitTracer(target.pid);
            Refusal refusal = refusal(target.pid);
            assertThat(refusal.kind()).isEqualTo(Refusal.Kind.ALREADY_TRACED);
            assertThat(refusal.reason())
                    .isEqualTo("process " + target.pid + " (t) is already traced by process " + strace.pid()
                            + " (strace)");
        }
    }

    @Test
    void refusesAKernelThread() {
        boolean visible = ProcessStatus.find(KTHREADD)
                .map(status -> status.name().equals("kthreadd"))
                .orElse(false);
        assumeTrue(visible, "a pid namespace of its own has no kernel threads");
        assertThat(refusal(KTHREADD).kind()).isEqualTo(Refusal.Kind.KERNEL_THREAD);
    }

    @Test
    void refusesA32BitProgram() throws IOException {
        Path program = Files.write(directory.resolve("t32"), elf32());
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        try (Child child = start(program.toString())) {
            Refusal refusal = refusal(child.pid());
            assertThat(refusal.kind()).isEqualTo(Refusal.Kind.NOT_64_BIT);
            assertThat(refusal.reason()).isEqualTo("process " + child.pid() + " (t32) is a 32-bit program");
        }
    }

    /** An i386 program that only calls pause. */
    private static byte[] elf32() {
        byte[] code = {(byte) 0xb8, 29, 0, 0, 0, (byte) 0xcd, (byte) 0x80, (byte) 0xeb, (byte) 0xf7};
        int base = 0x08048000;
        int start = 52 + 32;
        ByteBuffer out = ByteBuffer.allocate(start + code.length).order(ByteOrder.LITTLE_ENDIAN);
        out.put(new byte[] {0x7f, 'E', 'L', 'F', 1, 1, 1}).position(16);
        out.putShort((short) 2)
                .putShort((short) 3)
                .putInt(1)
                .putInt(base + start)
                .putInt(52);
        out.putInt(0).putInt(0).putShort((short) 52).putShort((short) 32).putShort((short) 1);
        out.putShort((short) 40).putShort((short) 0).putShort((short) 0);
        out.putInt(1).putInt(0).putInt(base).putInt(base).putInt(out.capacity()).putInt(out.capacity());
        out.putInt(5).putInt(4096).put(code);
        return out.array();
    }

    @Test
    void attachToAProcessThatHasEndedIsRefused() {
        int pid;
        try (Child child = start("true")) {
            pid = child.pid();
            child.awaitExit();
        }
        AttachResult result = new Attacher(directory, StepListener.NONE)
                .attach(new Injection(pid, List.of(), List.of(), new PatchPlan(List.of(), List.of())));
        assertThat(((AttachResult.Refused) result).refusal().kind()).isEqualTo(Refusal.Kind.NO_SUCH_PROCESS);
    }

    @Test
    void aDamagedJournalIsKeptAndSaysWhy() throws IOException {
        UndoRecord undo = new UndoRecord(
                1,
                2,
                "boot",
                new Execution("0123456789abcdef"),
                3,
                4,
                new Hole(new RemoteAddress(4096), new byte[4]),
                List.of(),
                List.of(),
                List.of());
        String text = undo.text();
        Path corrupt = Files.writeString(directory.resolve("a.journal"), text.replace("daemon 3", "daemon 5"));
        Path torn = Files.writeString(directory.resolve("b.journal"), text.substring(0, 30));
        assertThat(Recovery.recover(directory))
                .containsExactly(
                        new Recovery.Outcome.Failed(
                                corrupt, "its checksum is not that of its content; nothing was touched"),
                        new Recovery.Outcome.Torn(
                                torn,
                                "it has no end line: it was never completed, and nothing was changed before it was"));
        assertThat(corrupt).exists();
        assertThat(torn).doesNotExist();
    }
}
