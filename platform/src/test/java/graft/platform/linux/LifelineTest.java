package graft.platform.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class LifelineTest {
    private static final int CUT = 0x40000000;

    /** Another process: says its page's descriptor and waits to be killed. */
    static final class Holder {
        private Holder() {}

        public static void main(String... arguments) {
            System.out.println(Lifeline.ofThisProcess().fd().number());
            while (true) {
                LockSupport.park();
            }
        }
    }

    @Test
    void isCutWhenItsProcessIsKilled() throws IOException, InterruptedException {
        Process holder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        place(Holder.class) + ":" + place(Lifeline.class),
                        Holder.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader said = holder.inputReader();
                NativeFd process = Pidfd.open(Math.toIntExact(holder.pid()), 0);
                NativeFd page = Pidfd.getfd(process, Integer.parseInt(said.readLine()));
                SharedRegion region = SharedRegion.map(page, 4096, SharedRegion.Access.READ_ONLY)) {
            assertThat(region.segment().get(ValueLayout.JAVA_INT, 0))
                    .isPositive()
                    .isLessThan(CUT);

            holder.destroyForcibly().waitFor();

            assertThat(region.segment().get(ValueLayout.JAVA_INT, 0)).isEqualTo(CUT);
        } finally {
            holder.destroyForcibly();
        }
    }

    @Test
    void othersCannotMapItToWrite() {
        NativeFd page = Lifeline.ofThisProcess().fd();

        assertThatThrownBy(() -> SharedRegion.map(page, 4096, SharedRegion.Access.READ_WRITE))
                .isInstanceOf(SysException.class)
                .hasMessageContaining("EPERM");
    }

    private static String place(Class<?> type) {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().getPath())
                .toString();
    }
}
