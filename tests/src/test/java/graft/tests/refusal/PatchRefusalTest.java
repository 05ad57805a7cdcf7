package graft.tests.refusal;

import static graft.tests.refusal.Answer.graft;
import static graft.tests.refusal.Answer.refused;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Patches that cannot be understood: told before any process is looked at. */
@Timeout(60)
class PatchRefusalTest {
    private static final String NOWHERE = "67108863";

    @TempDir
    private Path folder;

    @Test
    void bytesThatAreNone() {
        assertThat(graft("patch", "a:b", "--bytes", "mov", "-p", NOWHERE))
                .isEqualTo(refused(
                        2,
                        "GRAFT-U001 graft patch: mov is not code",
                        "  bytes are pairs of hexadecimal digits: 90 c3",
                        "  try: graft help COMMAND"));
    }

    @Test
    void anObjectThatIsNone() throws IOException {
        Path text = Files.writeString(folder.resolve("a.c"), "int main(void);".repeat(9));
        assertThat(graft("patch", "a:b", "--object", text.toString(), "-p", NOWHERE))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L012 cannot use " + text,
                        "  " + text + " at 0x0: not an ELF file",
                        "  try: compile it again"));
    }

    @Test
    void anObjectForAnotherMachine() {
        String object = Path.of("target/test-classes/bpf/change.bpf.o").toString();
        assertThat(graft("patch", "a:b", "--object", object, "-p", NOWHERE))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L012 cannot use " + object,
                        "  it is no x86-64 object file",
                        "  try: gcc -O2 -c FILE.c"));
    }

    @Test
    void aReturn() {
        assertThat(graft("patch", "uretprobe:a:b", "--bytes", "90", "-p", NOWHERE)
                        .err())
                .startsWith("GRAFT-U001 graft patch: uretprobe:a:b is not one place");
    }

    @Test
    void twoSources() {
        assertThat(graft("patch", "a:b", "--bytes", "90", "--asm", "nop", "-p", NOWHERE)
                        .status())
                .isEqualTo(2);
    }

    @Test
    void severalProcesses() {
        assertThat(graft("patch", "a:b", "--bytes", "90", "-p", NOWHERE + "," + NOWHERE)
                        .err())
                .startsWith("GRAFT-U001 graft patch: 2 processes given");
    }

    @Test
    void aProcessThatIsNotThere() {
        assertThat(graft("patch", "a:b", "--bytes", "90", "-p", NOWHERE).status())
                .isEqualTo(6);
    }
}
