package graft.tests.refusal;

import static graft.tests.refusal.Answer.graft;
import static graft.tests.refusal.Answer.refused;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Places in a process that cannot be probed. */
@Tag("slow")
@Timeout(60)
class PlaceRefusalTest {
    private static final String OBJECT = "target/test-classes/bpf/count_work.bpf.o";

    @TempDir
    private static Path folder;

    private static CountingTarget target;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        target = CountingTarget.start(CountingTarget.program(folder, "counting"));
    }

    @AfterAll
    static void stop() {
        target.close();
    }

    @Test
    void noSuchSymbolNamesThoseThatAreNear() {
        Answer expected = refused(
                4,
                "GRAFT-A001 cannot resolve uprobe:counting:wrok (pid " + target.pid() + ")",
                "  " + folder.resolve("counting") + " has no function wrok",
                "  try: uprobe:counting:work");
        assertThat(graft("count", "counting:wrok", "-p", target.word())).isEqualTo(expected);
        assertThat(graft("plan", "uprobe:counting:wrok", "-p", target.word())).isEqualTo(expected);
        assertThat(graft("list", "uprobe:counting:wrok", "-p", target.word())).isEqualTo(expected);
        target.goesOn();
    }

    @Test
    void noSymbolIsNear() {
        assertThat(graft("count", "counting:ngx_http_process_request", "-p", target.word()))
                .isEqualTo(refused(
                        4,
                        "GRAFT-A001 cannot resolve uprobe:counting:ngx_http_process_request (pid " + target.pid() + ")",
                        "  " + folder.resolve("counting") + " has no function ngx_http_process_request",
                        "  try: graft list 'uprobe:FILE:PATTERN' -p PID shows what is there"));
    }

    @Test
    void aStrippedProgram() throws IOException, InterruptedException {
        Path program = CountingTarget.program(folder, "stripped");
        CountingTarget.run(List.of("strip", program.toString()));
        try (CountingTarget stripped = CountingTarget.start(program)) {
            String why = "  " + program + " has no function work; it is stripped";
            String remedy =
                    "  try: install its debug symbols, or choose an exported function: graft list 'uprobe:FILE:*'"
                            + " -p PID";
            assertThat(graft("count", "stripped:work", "-p", stripped.word()))
                    .isEqualTo(refused(
                            4,
                            "GRAFT-A002 cannot resolve uprobe:stripped:work (pid " + stripped.pid() + ")",
                            why,
                            remedy));
            assertThat(graft("run", OBJECT, "-p", stripped.word()))
                    .isEqualTo(refused(
                            4, "GRAFT-A002 cannot resolve uprobe:work (pid " + stripped.pid() + ")", why, remedy));
            stripped.goesOn();
        }
    }

    @Test
    void aFileThatIsNotMapped() {
        Answer answer = graft("count", "libssl.so.3:SSL_write", "-p", target.word());
        assertThat(answer.status()).isEqualTo(4);
        assertThat(answer.err())
                .startsWith("GRAFT-A003 cannot resolve uprobe:libssl.so.3:SSL_write (pid " + target.pid() + ")\n"
                        + "  no mapped file is called libssl.so.3; mapped: " + folder.resolve("counting") + ", ")
                .endsWith("  try: graft list -p PID shows what is loaded\n");
    }

    @Test
    void aBadTimeIsToldBeforeTheAttach() {
        assertThat(graft("run", OBJECT, "-p", target.word(), "-d", "10x"))
                .isEqualTo(refused(
                        2,
                        "GRAFT-U001 \"10x\" is not a time",
                        "  a time is a number and a unit: ms, s, m or h",
                        "  try: -d 10s"));
    }
}
