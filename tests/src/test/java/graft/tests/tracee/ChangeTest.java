package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.cli.Main;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRefusal;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.verifier.Cause;
import graft.ebpf.verifier.Permission;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.data.Index;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Programs that leave functions, replace them and change what they get and give, in eight threads. */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChangeTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/change.bpf.o");
    private static final List<String> FUNCTIONS = List.of("plain", "stacked", "carried", "passes_on", "behind");
    private static final long THREADS = 8;
    private static final long GAIN = 1_000_000;
    private static final long TIMES = 1000;

    /** Sums of what a thread counts to: of all numbers below {@code TIMES}, and of the odd ones. */
    private static final long ALL = TIMES * (TIMES - 1) / 2;

    private static final long ODD = TIMES * TIMES / 4;

    /** For each place, what its programs saw: calls and the sum of rax. */
    private record Seen(long calls, long rax) {}

    /** A program of {@code change.bpf.c} at a place; its cookie is its number in the list. */
    private record Link(String program, String place) {}

    @TempDir
    private Path folder;

    private Tracee tracee;

    @BeforeEach
    void start() {
        tracee = new Tracee(TraceeSource.named("change").compile(folder));
    }

    @AfterEach
    void stop() {
        tracee.close();
    }

    private SessionRequest request(List<Link> links) throws IOException {
        CollectionSpec object = Sessions.request(OBJECT, List.of()).object();
        List<LinkRequest> requests = new ArrayList<>();
        for (Link link : links) {
            requests.add(new LinkRequest.Uprobe(link.program(), Probes.probe(link.place()), requests.size()));
        }
        return new SessionRequest(object, requests, List.of(tracee.pid()));
    }

    private Session open(List<Link> links) throws IOException {
        return Sessions.open(request(links).allowing(Set.of(Permission.CHANGE)), new Attacher());
    }

    private SessionRefusal refused(SessionRequest request) {
        Session.Opening opening = Session.open(request, Map.of(), AgentImage.load(), new Attacher());
        assertThat(opening).isInstanceOf(Session.Opening.Refused.class);
        return ((Session.Opening.Refused) opening).refusal();
    }

    private String refusedSite(String program, String place) throws IOException {
        SessionRefusal refusal =
                refused(request(List.of(new Link(program, place))).allowing(Set.of(Permission.CHANGE)));
        assertThat(refusal).isInstanceOf(SessionRefusal.SiteRefused.class);
        return ((SessionRefusal.SiteRefused) refusal).why();
    }

    private static Seen seen(Session session, int cookie) {
        ArrayMap sums = (ArrayMap) session.collection().map("sums").orElseThrow();
        ByteBuffer key = ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(cookie);
        ByteBuffer value =
                ByteBuffer.wrap(sums.lookup(key.array()).orElseThrow()).order(ByteOrder.nativeOrder());
        return new Seen(value.getLong(0), value.getLong(8));
    }

    private void assertUnchanged() {
        assertThat(tracee.run(10)).containsExactly(80L, 80L, 80L, 80L, 80L);
    }

    private static List<Link> everywhere(String program) {
        return FUNCTIONS.stream()
                .map(function -> new Link(program, "uprobe:" + function))
                .toList();
    }

    @Test
    void functionsAreLeftForTheCallsThatAProgramNames() throws IOException {
        try (Session session = open(everywhere("leave"))) {
            long half = THREADS * TIMES / 2;
            assertThat(tracee.run(TIMES)).containsExactly(half, half, half, half, 0L);
            Probes.assertRestored(session);
        }
        assertUnchanged();
    }

    @Test
    void everyCallIsSeenOnceAtItsEntryAndOnceAtItsReturn() throws IOException {
        List<Link> links = new ArrayList<>();
        for (String function : FUNCTIONS) {
            links.add(new Link("entered", "uprobe:" + function));
            links.add(new Link("leave", "uprobe:" + function));
            links.add(new Link("entered", "uprobe:" + function));
        }
        for (String function : FUNCTIONS) {
            links.add(new Link("returned", "uretprobe:" + function));
        }
        int returns = 3 * FUNCTIONS.size();
        try (Session session = open(links)) {
            tracee.run(TIMES);
            for (int function = 0; function < FUNCTIONS.size(); function++) {
                long calls = function == 4 ? THREADS * TIMES / 2 : THREADS * TIMES;
                assertThat(seen(session, 3 * function).calls())
                        .as(FUNCTIONS.get(function))
                        .isEqualTo(calls);
                assertThat(seen(session, 3 * function + 2).calls()).isEqualTo(calls);
                assertThat(seen(session, returns + function).calls()).isEqualTo(calls);
            }
            long odd = ODD + TIMES / 2 * GAIN;
            assertThat(seen(session, returns).rax()).isEqualTo(THREADS * (2 * (ALL - ODD) + odd));
            assertThat(seen(session, returns + 1).rax()).isEqualTo(THREADS * (ALL - ODD + TIMES / 2 * 775 + odd));
            Probes.assertRestored(session);
        }
        assertUnchanged();
    }

    @Test
    void aFunctionIsReplacedByAProgram() throws IOException {
        try (Session session = open(List.of(new Link("replace", "uprobe:plain")))) {
            assertThat(tracee.run(TIMES)).startsWith(0L, THREADS * TIMES);
            Probes.assertRestored(session);
        }
        assertUnchanged();
    }

    @Test
    void aCommandReplacesAFunctionForAWhile() {
        PrintWriter none = new PrintWriter(new StringWriter());
        CompletableFuture<Integer> command = CompletableFuture.supplyAsync(() -> Main.run(
                none,
                none,
                "run",
                OBJECT.toString(),
                "--allow",
                "change",
                "--without",
                "leave,entered,returned,argument,result,others_register",
                "--attach",
                "replace=uprobe:change:plain",
                "-p",
                Integer.toString(tracee.pid()),
                "-d",
                "3s"));
        boolean replaced = false;
        while (!replaced && !command.isDone()) {
            replaced = tracee.run(10).getFirst() == 0;
        }
        assertThat(command.join()).isZero();
        assertThat(replaced).isTrue();
        assertUnchanged();
    }

    @Test
    void aProgramComesAndGoesWhileItsFunctionsAreCalled() throws IOException {
        tracee.beginTurn(50);
        for (int round = 0; round < Integer.getInteger("graft.turns", 30); round++) {
            List<Link> links = new ArrayList<>(everywhere("leave"));
            links.add(new Link("returned", "uretprobe:plain"));
            try (Session session = open(links)) {
                Probes.assertRestored(session);
            }
        }
        tracee.endTurn();
        assertUnchanged();
    }

    @Test
    void argumentsAndResultsAreWhatProgramsMakeOfThem() throws IOException {
        List<Link> links = List.of(
                new Link("argument", "uprobe:plain"),
                new Link("result", "uretprobe:plain"),
                new Link("returned", "uretprobe:plain"));
        try (Session session = open(links)) {
            assertThat(tracee.run(TIMES)).startsWith(THREADS * TIMES);
            assertThat(seen(session, 2)).isEqualTo(new Seen(THREADS * TIMES, THREADS * 2 * ALL));
            Probes.assertRestored(session);
        }
        assertUnchanged();
    }

    @Test
    void anyRegisterIsChangedInsideAFunction() throws IOException {
        // Behind "adc", where rdi is the sum that becomes the result: twice a thousand more, and two thousand less.
        List<Link> links = List.of(
                new Link("argument", "uprobe:carried+7"),
                new Link("argument", "uprobe:carried+7"),
                new Link("result", "uretprobe:carried"),
                new Link("returned", "uretprobe:carried"));
        try (Session session = open(links)) {
            assertThat(tracee.run(TIMES)).contains(THREADS * TIMES, Index.atIndex(2));
            assertThat(seen(session, 3).calls()).isEqualTo(THREADS * TIMES);
            Probes.assertRestored(session);
        }
        try (Session session = open(
                List.of(new Link("argument", "uprobe:carried+7"), new Link("others_register", "uprobe:carried+7")))) {
            assertThat(session.links()).isEqualTo(2);
            Probes.assertRestored(session);
        }
        assertUnchanged();
    }

    @Test
    void nothingIsChangedWithoutPermission() throws IOException {
        for (String program : List.of("leave", "argument", "others_register")) {
            assertThat(refused(request(List.of(new Link(program, "uprobe:plain")))))
                    .isInstanceOfSatisfying(
                            SessionRefusal.ProgramRejected.class,
                            refusal -> assertThat(refusal.rejection().cause()).isEqualTo(Cause.NOT_ALLOWED));
        }
        assertUnchanged();
    }

    @Test
    void whatCannotBeChangedIsRefused() throws IOException {
        assertThat(refusedSite("leave", "uprobe:never")).contains("it never returns");
        assertThat(refusedSite("leave", "uprobe:carried+7")).contains("at the entries of functions only");
        assertThat(refusedSite("others_register", "uprobe:plain"))
                .isEqualTo("others_register writes registers that are no arguments");
        assertUnchanged();
    }
}
