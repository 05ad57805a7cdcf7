package graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class DemoCommandTest {
    @Test
    void showsTrafficAndLatencyAndNginxNeverNotices() {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = Main.run(new PrintWriter(out), new PrintWriter(err), "demo", "-d", "500ms");
        assertThat(out.toString())
                .as(err.toString())
                .contains("GET /hello HTTP/1.1", "Hello from nginx", "SSL_write", " values   p50 < ")
                .contains(" 0 failed; lines gained by nginx's error log: 0")
                .containsPattern("8/8 sites restored; (\\d+)/\\1 touched pages");
        assertThat(status).isZero();
    }
}
