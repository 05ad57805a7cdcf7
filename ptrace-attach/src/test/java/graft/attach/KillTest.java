package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.linux.ProcMem;
import graft.platform.linux.Sched;
import graft.platform.linux.Signals;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("slow")
@Timeout(900)
class KillTest {
    private static final int MORE_THAN_THERE_ARE = 100;

    @TempDir
    Path journals;

    private String killedAt(LiveTarget target, int step, List<String> more) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xshare:auto",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath(),
                KilledTracer.class.getName(),
                Integer.toString(target.pid),
                Long.toString(target.probed),
                journals.toString(),
                Integer.toString(step)));
        command.addAll(more);
        Process daemon = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(daemon.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = daemon.waitFor();
        assertThat(code).as(said).isIn(0, 137);
        return code == 0 ? "" : said.trim();
    }

    /** Also when the tests run on the module path. */
    private static String classPath() {
        String all = System.getProperty("java.class.path") + ":" + System.getProperty("jdk.module.path", "");
        return all + ":" + place(KilledTracer.class) + ":" + place(Attacher.class);
    }

    private static String place(Class<?> type) {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().getPath())
                .toString();
    }

    private static byte[] text(LiveTarget target) {
        try (ProcMem memory = ProcMem.open(target.pid)) {
            byte[] probed = memory.readBytes(new RemoteAddress(target.probed), 64);
            byte[] many = memory.readBytes(new RemoteAddress(target.many), ManySites.SITES * ManySites.DISTANCE);
            return ByteBuffer.allocate(probed.length + many.length)
                    .put(probed)
                    .put(many)
                    .array();
        }
    }

    @ParameterizedTest
    @CsvSource({"1, epoll", "4, epoll", "4, spin"})
    void targetSurvivesADaemonKilledAtAnyStep(int threads, String sleep) throws Exception {
        try (LiveTarget target = LiveTarget.start(threads, sleep)) {
            assertSurvivesEveryKill(target, threads, List.of());
        }
    }

    @Test
    void manySitesSurviveADaemonKilledAtAnyStep() throws Exception {
        try (LiveTarget target = LiveTarget.start(4, "epoll")) {
            assertSurvivesEveryKill(target, 4, List.of(Long.toString(target.many)));
        }
    }

    private void assertSurvivesEveryKill(LiveTarget target, int threads, List<String> more) throws Exception {
        byte[] text = text(target);
        List<String> maps = target.maps();
        String killed = "none";
        for (int step = 1; !killed.isEmpty(); step++) {
            assertThat(step).isLessThan(MORE_THAN_THERE_ARE);
            killed = killedAt(target, step, more);
            assertGoesOn(target, killed, threads);
            List<Recovery.Outcome> outcomes = Recovery.recover(journals);
            assertThat(outcomes).as(killed).allMatch(Recovery.Outcome.Restored.class::isInstance);
            assertThat(text(target)).as(killed).isEqualTo(text);
            assertThat(target.maps()).as(killed).isEqualTo(maps);
            assertThat(Recovery.recover(journals)).as(killed).isEmpty();
            assertThat(journals).isEmptyDirectory();
        }
    }

    private static void assertGoesOn(LiveTarget target, String killed, int threads) {
        assertThat(target.alive()).as(killed).isTrue();
        assertThat(target.wrong()).as(killed).isZero();
        long calls = target.calls();
        while (threads > 1 && target.calls() < calls + 1000) {
            assertThat(target.alive()).as(killed).isTrue();
            Sched.nanosleep(100_000);
        }
    }

    @Test
    void targetKilledAtAnyStepIsReportedAsGone() {
        boolean attachedAndDetached = false;
        for (int last = 1; !attachedAndDetached; last++) {
            assertThat(last).isLessThan(MORE_THAN_THERE_ARE);
            int step = last;
            int[] steps = {0};
            String[] at = {""};
            try (LiveTarget target = LiveTarget.start(2, "epoll")) {
                Injection injection = target.injection();
                AttachResult result = new Attacher(journals, name -> {
                            if (++steps[0] == step) {
                                at[0] = name;
                                Signals.kill(target.pid, Signals.SIGKILL);
                            }
                        })
                        .attach(injection);
                if (result instanceof AttachResult.Attached attached) {
                    attached.attachment().switchOff();
                    attached.attachment().switchOn();
                    DetachProof proof = attached.attachment().detach();
                    attachedAndDetached = steps[0] < step;
                    assertThat(proof.outcome())
                            .as(at[0])
                            .isIn(DetachProof.Outcome.TARGET_GONE, DetachProof.Outcome.RESTORED);
                } else {
                    assertThat(result).as(at[0]).isInstanceOf(AttachResult.TargetGone.class);
                }
                assertThat(Recovery.recover(journals)).as(at[0]).isEmpty();
                assertThat(journals).as(at[0]).isEmptyDirectory();
            }
        }
    }

    @Test
    void targetThatIsGoneBeforeItsLimitsAreReadIsReported() {
        try (LiveTarget target = LiveTarget.start(1, "epoll")) {
            AttachResult result = new Attacher(journals, step -> {
                        if (step.equals("attach:limits-read")) {
                            target.end();
                        }
                    })
                    .attach(target.injection());
            assertThat(result).isInstanceOf(AttachResult.TargetGone.class);
            assertThat(journals).isEmptyDirectory();
        }
    }
}
