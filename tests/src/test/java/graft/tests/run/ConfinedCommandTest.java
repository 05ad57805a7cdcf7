package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.CompiledProgram;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A program that puts itself under a filter which kills for every system call but its own, and one that it executes: what
 * graft does in them needs none.
 */
@Tag("slow")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConfinedCommandTest {
    private static final String CONFINING = """
            #include <linux/filter.h>
            #include <linux/seccomp.h>
            #include <stddef.h>
            #include <sys/prctl.h>
            #include <sys/syscall.h>
            #include <unistd.h>
            #define ALLOW(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), \\
                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
            static char absent[256 * 4096];
            int main(int count, char **words) {
                struct sock_filter rules[] = {
                    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                    ALLOW(SYS_execve), ALLOW(SYS_write), ALLOW(SYS_exit_group),
                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                };
                struct sock_fprog filter = { sizeof(rules) / sizeof(rules[0]), rules };
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
                for (int i = 0; i < 256; i++) write(-1, absent + 4096 * i, 32);
                execve(words[1], words + 1, (char *[]) {0});
                return 1;
            }
            """;

    private static final String CONFINED = """
            static long call(long number, long first, const void *second, long third) {
                long result;
                __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third)
                                 : "rcx", "r11", "memory");
                return result;
            }
            void _start(void) {
                call(1, 1, "as ever\\n", 8);
                call(231, 7, 0, 0);
            }
            """;

    @TempDir
    private Path folder;

    /** Memory that is not there yet is read in between, and who reads the events sleeps from time to time. */
    @Test
    void itRunsAsEverWhenItIsFollowed() throws Exception {
        String confining = CompiledProgram.of(folder, "confining", CONFINING).toString();
        String confined = CompiledProgram.of(folder, "confined", CONFINED, "-static", "-nostdlib", "-O2")
                .toString();

        GraftRun run = GraftRun.of("syscalls", "-f", "--where", "user", "--", confining, confined);

        assertThat(run.status()).as(run.errors()).isEqualTo(7);
        assertThat(run.output()).contains("execve(\"" + confined + "\"");
    }
}
