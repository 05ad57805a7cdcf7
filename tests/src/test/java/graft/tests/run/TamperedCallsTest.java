package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A program whose calls are delayed, replaced and come with signals sees the same from graft as from strace. */
@Tag("slow")
class TamperedCallsTest {
    private static final long MILLISECOND = 1_000_000;
    private static final String CLOCK_NANOSLEEP = "230 ";

    private static final long GETPPID = 110;
    private static final long SIGUSR1 = 10;
    private static final int SIGNAL_SLOTS = 16384;

    @TempDir
    private Path folder;

    private static List<String> arguments(List<String> first, String option, String prefix, String injections) {
        List<String> arguments = new ArrayList<>(first);
        for (String injection : injections.split(" ")) {
            arguments.add(option);
            arguments.add(prefix + injection);
        }
        return arguments;
    }

    private static String straced(Path program, String injections, String line) throws IOException {
        List<String> command = arguments(List.of("strace", "-f", "-o", "/dev/null"), "-e", "inject=", injections);
        command.add(program.toString());
        Process strace = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        strace.outputWriter().write(line + "\n");
        strace.outputWriter().close();
        String answer = strace.inputReader().readLine();
        assertThat(strace.onExit().join().exitValue()).isZero();
        return answer;
    }

    private static GraftProcess injecting(AskedProgram program, String injections) {
        List<String> first = List.of("syscalls", "-p", program.pid(), "-e", "getppid");
        GraftProcess graft =
                GraftProcess.start(arguments(first, "--inject", "", injections).toArray(String[]::new));
        graft.awaitLine("tracing");
        return graft;
    }

    private static String withoutTimes(String answer) {
        return answer.replaceAll(" ns [0-9]+", "");
    }

    private static List<Long> times(String answer) {
        return answer.lines()
                .flatMap(line -> List.of(line.split("; ")).stream())
                .filter(part -> part.contains(" ns "))
                .map(part -> Long.parseLong(part.replaceAll(".* ns ", "")))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "getppid:signal=USR1",
                "getppid:signal=34:error=EPERM:when=2..4+2 recvfrom:signal=SIGUSR2:error=EINTR",
                "getppid:error=EAGAIN:syscall=getuid:when=1+2",
                "getppid:signal=SIGRT_2:retval=7:delay_exit=700:when=3+",
                "getppid:error=EPERM:delay_enter=1.5ms:when=1..5+2 recvfrom:retval=1:delay_enter=3",
                "getrandom:retval=3:poke_exit=@arg1=6162 readlink:poke_enter=@arg1=2f70726f632f6d6f756e747300:poke_exit=@arg2=78",
                "readlink:error=EIO:poke_enter=@arg2=797a,@arg1=5b00 getrandom:poke_exit=@arg1=5d:signal=USR1",
                "vfork:delay_exit=2ms:delay_enter=1us exit_group:delay_enter=300ns:signal=URG"
            })
    void theProgramSeesWhatItSeesUnderStrace(String injections) throws IOException {
        Path file = AskedProgram.compile(folder, "tampered");
        String expected = straced(file, injections, "go");

        try (AskedProgram program = AskedProgram.start(file)) {
            String untouched = program.answer("go");
            try (GraftProcess graft = injecting(program, injections)) {
                assertThat(withoutTimes(program.answer("go"))).isEqualTo(withoutTimes(expected));
                GraftRun run = graft.interrupt();
                assertThat(run.status()).as(run.errors()).isZero();
                assertThat(run.errors()).contains("text equals the files, nothing left behind");
            }
            assertThat(withoutTimes(program.answer("go"))).isEqualTo(withoutTimes(untouched));
        }
    }

    /** A handler that ran before the call would leave it waiting. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSignalThatComesWithACallInterruptsIt(boolean inPidNamespace) throws IOException {
        Path file = AskedProgram.compile(folder, "tampered");
        String injection = "recvfrom:signal=USR2:when=2";
        String expected = straced(file, injection, "wait");

        try (AskedProgram program = inPidNamespace ? AskedProgram.startInPidNamespace(file) : AskedProgram.start(file);
                GraftProcess graft = injecting(program, injection)) {
            assertThat(withoutTimes(program.answer("wait")))
                    .isEqualTo(withoutTimes(expected))
                    .contains("recvfrom EINTR usr1 0 usr2 1");
            GraftRun run = graft.interrupt();
            assertThat(run.errors()).contains("injected " + injection + ": 1 times");
        }
    }

    /** The array by which a process says what it is to be sent can be written by that process. */
    @Test
    void onlyProcessesOfTheCommandAreSentSignals() throws IOException {
        Path file = AskedProgram.compile(folder, "tampered");
        try (AskedProgram program = AskedProgram.start(file);
                AskedProgram stranger = AskedProgram.start(file)) {
            String untouched = withoutTimes(stranger.answer("go"));
            try (GraftProcess graft = injecting(program, "recvfrom:signal=USR2:when=100")) {
                for (AskedProgram receiver : List.of(program, stranger)) {
                    long tid = Long.parseLong(receiver.pid());
                    long wanted = tid << 32 | GETPPID << 8 | SIGUSR1;
                    String map = graft.pid() + ":rule_signals";
                    GraftRun set = GraftRun.of("map", "set", map, tid % SIGNAL_SLOTS + "", wanted + "");
                    assertThat(set.status()).as(set.errors()).isZero();
                }
                assertThat(program.answer("go")).contains("getppid well usr1 1");
                assertThat(withoutTimes(stranger.answer("go")))
                        .isEqualTo(untouched)
                        .contains("getppid well usr1 0");
                graft.interrupt();
            }
        }
    }

    @Test
    void rulesSendSignalsWhileTheyAreEnforced() throws IOException {
        String name = "signals-" + ProcessHandle.current().pid();
        Path policy = Files.writeString(folder.resolve("policy.yaml"), """
                name: %s
                rules:
                  - {name: waits, calls: recvfrom, signal: SIGUSR2}
                  - {name: parent, calls: getppid, signal: 34, deny: EPERM}
                """.formatted(name));
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "tampered"))) {
            String untouched = withoutTimes(program.answer("go"));
            try (GraftProcess graft = GraftProcess.start("policy", "apply", policy.toString(), "-p", program.pid())) {
                graft.awaitLine("applied");
                assertThat(withoutTimes(program.answer("go"))).isEqualTo(untouched);
                assertThat(GraftRun.of("policy", "mode", "enforce", name).status())
                        .isZero();
                assertThat(program.answer("wait"))
                        .contains("getppid EPERM usr1 0 usr2 0 rt 1 code 128")
                        .contains("recvfrom well usr1 0 usr2 1 rt 0 code 128")
                        .contains("recvfrom EINTR usr1 0 usr2 1 rt 0 code 128")
                        .contains("pending 0 1; ");
                GraftRun run = graft.interrupt();

                assertThat(run.output().lines().map(line -> line.replaceAll(" +", " ")))
                        .contains("waits signal SIGUSR2 4 2 2", "parent deny EPERM, signal 34 8 4 4");
            }
            assertThat(withoutTimes(program.answer("go"))).isEqualTo(untouched);
        }
    }

    @Test
    void delaysAreAsLongAsTheySay() {
        Map<Integer, Long> expected = Map.of(1, 300L, 3, 250L, 6, 400L); // by the place in the answer
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "tampered"));
                GraftProcess graft = injecting(
                        program,
                        "getppid:delay_enter=300ms:when=2 recvfrom:delay_exit=250000:when=1 vfork:delay_exit=0.4s")) {
            List<Long> times = times(program.answer("go"));
            GraftRun run = graft.interrupt();

            expected.forEach((place, milliseconds) ->
                    assertThat(times.get(place)).isGreaterThanOrEqualTo(milliseconds * MILLISECOND));
            assertThat(run.errors()).contains(":when=2: 1 times").contains(":when=1: 1 times");
        }
    }

    private static void awaitDelay(AskedProgram program) throws IOException, InterruptedException {
        while (!Files.readString(Path.of("/proc", program.pid(), "syscall")).startsWith(CLOCK_NANOSLEEP)) {
            Thread.sleep(1);
        }
    }

    /** Ends a graft while a thread of the program waits for hours. */
    private void delayed(Consumer<GraftProcess> ending) throws Exception {
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "tampered"))) {
            String untouched = withoutTimes(program.answer("go"));
            try (GraftProcess graft = injecting(program, "getppid:delay_enter=10000s:when=2+")) {
                CompletableFuture<String> answer = CompletableFuture.supplyAsync(
                        () -> program.answer("go"), Thread.ofPlatform().daemon()::start);
                awaitDelay(program);
                ending.accept(graft);
                assertThat(withoutTimes(answer.join())).isEqualTo(untouched);
            }
            assertThat(withoutTimes(program.answer("go"))).isEqualTo(untouched);
        }
    }

    @Test
    void aDelayEndsWithGraft() throws Exception {
        delayed(graft -> {
            GraftRun run = graft.interrupt();
            assertThat(run.errors()).contains("text equals the files, nothing left behind");
        });
    }

    @Test
    void aDelayEndsWhenGraftIsKilled() throws Exception {
        delayed(GraftProcess::kill);
        assertThat(GraftRun.of("recover").status()).isZero();
    }
}
