package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.Main;
import graft.tests.command.CompiledProgram;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs started under graft: every call from the first of {@code main} counts, and the exit code is the program's. */
@Tag("slow")
class StartedProgramTest {
    private static final int CALLS = 12_345;
    private static final int EXIT = 7;
    private static final Path OBJECT = Path.of("target/test-classes/bpf/count_work.bpf.o");
    private static final String SOURCE = """
            __attribute__((noinline)) long work(long a) { volatile long x = a; return x + 1; }
            #include <stdio.h>
            #include <string.h>
            #include <unistd.h>
            static int has_a_file_of_java(void) {
                char link[32], file[4096];
                for (int fd = 3; fd < 256; fd++) {
                    snprintf(link, sizeof link, "/proc/self/fd/%%d", fd);
                    long size = readlink(link, file, sizeof file - 1);
                    if (size > 8 && (!memcmp(file + size - 4, ".jar", 4) || !memcmp(file + size - 8, "/modules", 8))) return 1;
                }
                return 0;
            }
            int main(void) {
                long sum = 0;
                if (has_a_file_of_java()) return 3;
                for (int i = 0; i < %d; i++) sum += work(i);
                return sum == 0 ? 1 : %d;
            }
            """.formatted(CALLS, EXIT);

    /** The function is among the first instructions. */
    private static final String SMALL = """
            asm(".globl _start\\n.type _start, @function\\n_start: mov $%d, %%ebx\\n1: call work\\n dec %%ebx\\n jnz 1b\\n"
                " mov $%d, %%edi\\n mov $231, %%eax\\n syscall\\n.size _start, . - _start\\n"
                ".globl work\\n.type work, @function\\nwork: mov %%rdi, %%rax\\n add $1, %%rax\\n ret\\n.size work, . - work");
            """.formatted(CALLS, EXIT);

    /** Nothing leads to the second call but a jump over what is before it. */
    private static final String HIDDEN_CALL = """
            asm(".globl _start\\n.type _start, @function\\n_start: mov $39, %eax\\n syscall\\n mov $95, %ebp\\n"
                " call hidden\\n"
                " xor %edi, %edi\\n mov $231, %eax\\n syscall\\n.size _start, . - _start\\n"
                "hidden: mov %ebp, %eax\\n jmp 1f\\n nop\\n1: nop\\n syscall\\n ret");
            """;

    @TempDir
    private Path folder;

    @Test
    void countsADynamicProgramFromItsFirstCall() throws IOException, InterruptedException {
        countsEveryCall(program("-O2"));
    }

    @Test
    void countsAStaticProgramFromItsFirstCall() throws IOException, InterruptedException {
        countsEveryCall(program("-O2", "-static"));
    }

    @Test
    void countsWhereTheProgramBegins() throws IOException, InterruptedException {
        countsEveryCall(CompiledProgram.of(folder, "small", SMALL, "-static", "-nostdlib"));
    }

    @Test
    void saysWhichCallsItDoesNotSee() throws IOException, InterruptedException {
        Path program = CompiledProgram.of(folder, "hidden", HIDDEN_CALL, "-static", "-nostdlib");
        StringWriter err = new StringWriter();

        int status = Main.run(
                new PrintWriter(new StringWriter()), new PrintWriter(err), "run", "syscount", "--", program.toString());

        assertThat(status).as(err.toString()).isZero();
        assertThat(err.toString()).contains("left out hidden:").contains("what is before it does not lead there");
    }

    private void countsEveryCall(Path program) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();

        int status = Main.run(
                new PrintWriter(out), new PrintWriter(err), "run", OBJECT.toString(), "--", program.toString());

        assertThat(status).as(err.toString()).isEqualTo(EXIT);
        assertThat(out.toString()).containsPattern("calls\\[\\d+] = " + CALLS + "\\R");
    }

    private Path program(String... options) throws IOException, InterruptedException {
        return CompiledProgram.of(folder, "program", SOURCE, options);
    }
}
