package graft.tests.refusal;

import static graft.tests.refusal.Answer.graft;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Targets that are confined or live elsewhere: they are probed, or refused with a reason, and never harmed. */
@Tag("slow")
@Timeout(120)
class UnusualTargetTest {
    private static final String OBJECT = "target/test-classes/bpf/count_work.bpf.o";

    @TempDir
    private Path folder;

    private static void counts(CountingTarget target, String probe) {
        Answer answer = graft("count", probe, "-p", target.word(), "-d", "300ms");
        assertThat(answer.status()).as(answer.err()).isZero();
        assertThat(answer.out()).containsPattern("(?m)^ +[1-9][0-9,]*  work$");
        assertThat(answer.err()).contains("undo: 1/1 sites restored, text equals the files, nothing left behind");
        target.goesOn();
    }

    @Test
    void aStrictSeccompFilterDoesNotSeeTheAttach() throws IOException, InterruptedException {
        try (CountingTarget target = CountingTarget.start(CountingTarget.program(folder, "counting"), "confined")) {
            counts(target, "counting:work");
            counts(target, "counting:work");
        }
    }

    @Test
    void programsThatNeedWhatTheFilterKillsForAreRefused() throws IOException, InterruptedException {
        try (CountingTarget target = CountingTarget.start(CountingTarget.program(folder, "counting"), "confined")) {
            for (String object : List.of("target/test-classes/bpf/count_work.bpf.o", readsMemory())) {
                Answer answer = graft("run", object, "-p", target.word(), "-d", "300ms");
                assertThat(answer.status()).as(answer.err()).isEqualTo(4);
                assertThat(answer.out()).isEmpty();
                assertThat(answer.err())
                        .matches("GRAFT-T008 cannot attach to process " + target.pid() + "\n"
                                + "  the seccomp filter of process " + target.pid()
                                + " does not let (sched_yield|rt_sigprocmask|process_vm_readv) through, which these"
                                + " programs need there: it could end the process\n"
                                + "  try: --where kernel; or programs that neither read the process's memory nor"
                                + " send events\n");
                target.goesOn();
            }
            counts(target, "counting:work");
        }
    }

    private String readsMemory() throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("reads.bpf.c"), """
                #include <linux/bpf.h>
                #include <bpf/bpf_helpers.h>
                SEC("uprobe/work") int reads(void *ctx)
                {
                	char bytes[16];
                	return bpf_probe_read_user(bytes, sizeof bytes, (void *)0x400000) ? 1 : 0;
                }
                char LICENSE[] SEC("license") = "GPL";
                """);
        Path object = folder.resolve("reads.bpf.o");
        CountingTarget.run(List.of(
                "clang",
                "-g",
                "-O2",
                "-target",
                "bpf",
                "-I/usr/include/x86_64-linux-gnu",
                "-c",
                source.toString(),
                "-o",
                object.toString()));
        return object.toString();
    }

    @Test
    void aFilterThatCannotBeSuspendedIsARefusal() throws IOException, InterruptedException {
        try (CountingTarget target = CountingTarget.start(CountingTarget.program(folder, "counting"), "confined")) {
            Answer answer = graft(
                    List.of("setpriv", "--bounding-set=-sys_admin"),
                    Map.of(),
                    "count",
                    "counting:work",
                    "-p",
                    target.word());
            assertThat(answer)
                    .isEqualTo(Answer.refused(
                            4,
                            "GRAFT-T008 cannot attach to process " + target.pid(),
                            "  process " + target.pid() + " (counting) has a seccomp filter, which may kill it at the"
                                    + " system calls of an attach; suspending the filter meanwhile needs"
                                    + " CAP_SYS_ADMIN, which graft does not have here",
                            "  try: run as root"));
            target.goesOn();
        }
    }

    @Test
    void anotherUsersProcess() throws IOException, InterruptedException {
        Path program = CountingTarget.program(folder, "counting");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path counter = folder.resolve("calls");
        List<String> command = List.of(
                "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program.toString(), counter.toString());
        try (CountingTarget target = CountingTarget.start(command, counter)) {
            counts(target, "counting:work");
        }
    }

    @Test
    void aProcessInAChroot() throws IOException, InterruptedException {
        Path root = Files.createDirectories(folder.resolve("root"));
        CountingTarget.program(root, "counting", "-static");
        List<String> command = List.of("chroot", root.toString(), "/counting", "/calls");
        try (CountingTarget target = CountingTarget.start(command, root.resolve("calls"))) {
            counts(target, "counting:work");
            assertThat(graft("list", "uprobe:/counting:work", "-p", target.word())
                            .out())
                    .startsWith("uprobe:counting:work ");
        }
    }

    @Test
    void aProcessInOtherMountAndPidNamespaces() throws IOException, InterruptedException {
        Path program = CountingTarget.program(folder, "counting");
        Path hidden = Files.createDirectories(folder.resolve("hidden"));
        Path counter = folder.resolve("calls");
        String script = "mount -t tmpfs none " + hidden + " && cp " + program + " " + hidden + "/inner && exec "
                + hidden + "/inner " + counter;
        List<String> command = List.of("unshare", "-m", "-p", "-f", "--mount-proc", "sh", "-c", script);
        try (CountingTarget target = CountingTarget.start(command, counter)) {
            assertThat(hidden.resolve("inner")).doesNotExist();
            counts(target, "inner:work");
            Answer byProcess = graft("run", OBJECT, "-p", target.word(), "-d", "300ms");
            assertThat(byProcess.status()).as(byProcess.err()).isZero();
            assertThat(byProcess.out()).containsPattern("calls\\[" + target.pid() + "] = [1-9]");
            target.goesOn();
        }
    }
}
