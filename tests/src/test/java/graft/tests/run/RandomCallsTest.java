package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.verifier.Permission;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Programs that nobody wrote do the same with hooked system calls as without, and what the hooks count is what the kernel counts.
 * {@code -Dgraft.calls=N} programs, from {@code -Dgraft.seed=SEED} on.
 */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RandomCallsTest {
    private static final int PROGRAMS = Integer.getInteger("graft.calls", 3);
    private static final int SEED = Integer.getInteger("graft.seed", 20_262);
    private static final int FUNCTIONS = 60;
    private static final int TURNS = 3;
    private static final int NUMBERS = 511;

    /**
     * Those of the program itself, which is in one of them at the attach; of children, which count as their parent until they end;
     * those that signals let the kernel begin anew; the return from a handler.
     */
    private static final Set<Integer> NOT_COMPARED = Set.of(0, 1, 13, 15, 38, 57, 58, 60, 61, 219, 231);

    @TempDir
    private Path folder;

    static IntStream seeds() {
        return IntStream.range(SEED, SEED + PROGRAMS);
    }

    private Path object(String name, String... options) throws IOException {
        Path own = Files.createDirectories(folder.resolve(name));
        return Path.of(AskedProgram.object(own, "random-calls", options));
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void theyDoTheSameHookedAndAreCounted(int seed) throws IOException {
        RandomCalls.Source source = RandomCalls.of(seed, FUNCTIONS);
        Path counting = object("counting");
        try (RandomProgram program = RandomProgram.start(RandomProgram.compile(folder, source), source.functions())) {
            List<String> expected = program.run();
            assertThat(program.run()).isEqualTo(expected);
            SessionRequest request = Sessions.request(counting, List.of(program.pid()));
            try (Session session = Sessions.open(request, new Attacher());
                    KernelSession kernel = inKernel(request)) {
                assertThat(program.run()).isEqualTo(expected);
                program.tell('t');
                for (int turn = 0; turn < TURNS; turn++) {
                    assertThat(program.run()).isEqualTo(expected);
                }
                program.tell('s');
                assertCounted(source, session, kernel);
                assertThat(session.detach()).allMatch(DetachProof::clean);
            }
            assertThat(program.run()).isEqualTo(expected);
            whileHooksComeAndGo(program, request, expected);
            assertThat(program.end()).isZero();
        }
    }

    private static void whileHooksComeAndGo(RandomProgram program, SessionRequest request, List<String> expected) {
        program.tell('t');
        CompletableFuture<Void> sessions = CompletableFuture.runAsync(() -> {
            for (int turn = 0; turn < TURNS; turn++) {
                Sessions.open(request, new Attacher()).close();
            }
        });
        while (!sessions.isDone()) {
            assertThat(program.run()).isEqualTo(expected);
        }
        sessions.join();
        program.tell('s');
    }

    /** The kernel's counts, of each number that only whole places call. */
    private static void assertCounted(RandomCalls.Source source, Session session, KernelSession kernel) {
        Set<String> leftOut = leftOut(session);
        Set<Integer> unseen = source.functions().stream()
                .filter(function -> leftOut.contains(function.name()))
                .flatMap(function -> function.numbers().stream())
                .collect(Collectors.toCollection(HashSet::new));
        unseen.addAll(NOT_COMPARED);
        int compared = 0;
        for (int number = 0; number < NUMBERS; number++) {
            if (!unseen.contains(number)) {
                List<Long> seen = List.of(here(session, "enters", number), here(session, "exits", number));
                assertThat(seen)
                        .as("calls of number %d", number)
                        .isEqualTo(List.of(there(kernel, "enters", number), there(kernel, "exits", number)));
                compared += seen.getFirst() > 0 ? 1 : 0;
            }
        }
        assertThat(compared).as("left out: " + session.skipped()).isGreaterThan(4);
    }

    private static Set<String> leftOut(Session session) {
        return session.skipped().stream()
                .map(refused -> refused.site().substring(refused.site().indexOf(':') + 1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static long here(Session session, String map, int number) {
        return ((ArrayMap) session.collection().map(map).orElseThrow()).longAt(number);
    }

    private static long there(KernelSession kernel, String map, int number) {
        IntFunction<byte[]> bytes = value -> ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(value)
                .array();
        return ByteBuffer.wrap(
                        kernel.maps().get(map).lookup(bytes.apply(number)).orElseThrow())
                .order(ByteOrder.nativeOrder())
                .getLong();
    }

    private static KernelSession inKernel(SessionRequest request) {
        KernelSession.Opening opening = KernelSession.open(request, Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        return ((KernelSession.Opening.Opened) opening).session();
    }

    /** As with a filter of the kernel's that denies the same calls. */
    @ParameterizedTest
    @MethodSource("seeds")
    void theyDoTheSameWithCallsThatProgramsDenyAsWithThoseThatTheKernelDenies(int seed) throws IOException {
        RandomCalls.Source source = RandomCalls.of(seed, FUNCTIONS);
        Path compiled = RandomProgram.compile(folder, source);
        Path denying = object("denying", "-DDENY");
        try (RandomProgram confined = RandomProgram.start(compiled, source.functions());
                RandomProgram program = RandomProgram.start(compiled, source.functions())) {
            List<String> allowed = program.run();
            assertThat(confined.run()).isEqualTo(allowed);
            confined.tell('d');
            SessionRequest request =
                    Sessions.request(denying, List.of(program.pid())).allowing(Set.of(Permission.CHANGE));
            List<String> denied = confined.run();
            try (Session session = Sessions.open(request, new Attacher())) {
                List<RandomCalls.Function> compared = new ArrayList<>(source.functions());
                Set<String> leftOut = leftOut(session);
                compared.removeIf(function -> leftOut.contains(function.name()));
                assertThat(of(compared, program.run()))
                        .isEqualTo(of(compared, denied))
                        .isNotEqualTo(of(compared, allowed));
                program.tell('t');
                assertThat(of(compared, program.run())).isEqualTo(of(compared, denied));
                program.tell('s');
                assertThat(session.detach()).allMatch(DetachProof::clean);
            }
            assertThat(program.run()).isEqualTo(allowed);
            assertThat(List.of(program.end(), confined.end())).containsOnly(0);
        }
    }

    /** A call that is left out puts no flags into r11. */
    private static List<String> of(List<RandomCalls.Function> functions, List<String> reports) {
        Map<String, RandomCalls.Function> byName =
                functions.stream().collect(Collectors.toMap(RandomCalls.Function::name, function -> function));
        return reports.stream()
                .map(report -> report.split(" "))
                .filter(words -> byName.containsKey(words[0]))
                .map(words -> {
                    boolean denied = byName.get(words[0]).numbers().stream().anyMatch(RandomCalls.DENIED::contains);
                    words[1 + RandomProgram.R11] = denied ? "flags" : words[1 + RandomProgram.R11];
                    return String.join(" ", words);
                })
                .toList();
    }
}
