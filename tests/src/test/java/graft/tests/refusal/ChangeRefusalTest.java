package graft.tests.refusal;

import static graft.tests.refusal.Answer.graft;
import static graft.tests.refusal.Answer.refused;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Programs that change their process without permission, or in the kernel: told before any process is looked at. */
@Timeout(60)
class ChangeRefusalTest {
    private static final String OBJECT =
            Path.of("target/test-classes/bpf/change.bpf.o").toString();
    private static final String NOWHERE = "67108863";
    private static final String OTHERS = "replace,entered,returned,result,others_register";

    @Test
    void overridingWithoutPermission() {
        Answer answer =
                graft("run", OBJECT, "-p", NOWHERE, "--without", OTHERS + ",argument", "--attach", "leave=uprobe:a:b");
        assertThat(answer.status()).isEqualTo(4);
        assertThat(answer.err())
                .startsWith(
                        "GRAFT-V007 program leave refused by the verifier: the program changes what the process does")
                .contains("bpf_override_return makes a function or a system call return without running")
                .contains("try: --allow change, if that is what you want");
    }

    @Test
    void writingRegistersWithoutPermission() {
        Answer answer =
                graft("run", OBJECT, "-p", NOWHERE, "--without", OTHERS + ",leave", "--attach", "argument=uprobe:a:b");
        assertThat(answer.status()).isEqualTo(4);
        assertThat(answer.err())
                .startsWith("GRAFT-V007 program argument refused by the verifier")
                .contains("r1 is the context: what is written there is in the process's registers");
    }

    @Test
    void overridingInTheKernel() {
        assertThat(graft(
                        "run",
                        OBJECT,
                        "-p",
                        NOWHERE,
                        "--allow",
                        "change",
                        "--where",
                        "kernel",
                        "--without",
                        OTHERS + ",argument",
                        "--attach",
                        "leave=uprobe:a:b"))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L011 program leave cannot run in the kernel",
                        "  it calls bpf_override_return, which there leaves functions of the kernel only",
                        "  try: leave --where out: graft overrides functions of processes itself"));
    }

    @Test
    void aPermissionThatThereIsNot() {
        assertThat(graft(
                        "run",
                        OBJECT,
                        "-p",
                        NOWHERE,
                        "--allow",
                        "everything",
                        "--without",
                        OTHERS + ",argument",
                        "--attach",
                        "leave=uprobe:a:b"))
                .isEqualTo(refused(
                        2,
                        "GRAFT-U001 --allow everything: no such permission",
                        "  the only one is: change",
                        "  try: --allow change"));
    }
}
