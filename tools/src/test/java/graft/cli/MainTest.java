package graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int graft(String... args) {
        return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    @Test
    void helpFitsFortyLines() {
        assertThat(graft("--help")).isZero();
        assertThat(out.toString().lines().count()).isLessThanOrEqualTo(40);
        assertThat(out.toString()).contains("Examples:", "graft demo");
    }

    /** The list is made without making the commands. */
    @Test
    void everyListedCommandIsThere() {
        Set<String> listed = GraftCommand.line().getSubcommands().keySet();
        assertThat(listed).contains("tls", "help").hasSizeGreaterThan(20);
        assertThat(listed).allSatisfy(name -> {
            assertThat(graft("help", name)).as(name).isZero();
            assertThat(out.toString()).contains("Usage: graft " + name);
        });
    }

    @Test
    void unknownOptionNamesTheNearestAndEndsWithTwo() {
        assertThat(graft("doctor", "--pidd", "3")).isEqualTo(2);
        assertThat(err.toString()).startsWith("GRAFT-U001").contains("try: graft doctor --pid");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void errorsAreJsonWhenAskedFor() {
        assertThat(graft("doctor", "-o", "json", "--nonsense")).isEqualTo(2);
        assertThat(err.toString()).startsWith("{\"type\":\"error\",\"code\":\"GRAFT-U001\"");
    }

    @Test
    void doctorSaysThatAProcessIsNotThere() {
        assertThat(graft("doctor", "-p", "2147483647")).isEqualTo(5);
        assertThat(out.toString()).contains("no such process");
    }

    @Test
    void explainsACodeInAnyCase() {
        assertThat(graft("explain", "graft-t003")).isZero();
        assertThat(out.toString()).contains("GRAFT-T003", "try: end gdb or strace");
    }
}
