package graft.tests.nginx;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.cli.bpf.PackagedProgram;
import graft.cli.load.Body;
import graft.cli.load.CurlLoad;
import graft.cli.load.NginxServer;
import graft.cli.load.WrkLoad;
import graft.cli.map.DividedMap;
import graft.daemon.KernelSession;
import graft.daemon.SectionLinks;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.object.CollectionSpec;
import graft.tests.command.Sessions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A packaged tool in the workers of a loaded nginx and in the kernel at the same time: the maps of each worker are equal,
 * element by element. Both sides come and go while the workers wait in {@code epoll_wait} and hold no connection, so no
 * call is at an edge: the wait under way is counted by both when it ends, and the last one by neither. The kernel's side
 * comes last and goes first, because it would see the calls that a worker is made to do by an attach.
 */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KernelCountsTest {
    private static final int REQUESTS = 200;
    private static final int READ = 0;
    private static final int EPOLL_WAIT = 232;
    private static final long LOOK_AGAIN_NANOS = 1_000_000;

    private NginxServer server;

    @BeforeEach
    void start() {
        server = NginxServer.start();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /** What one side has counted in one worker: numbers of an element of the map, by its key. */
    private record Sides(Map<String, List<Long>> graft, Map<String, List<Long>> kernel) {
        /** The first number of an element, how often something was, in both sides alike. */
        long count(String key) {
            return graft.getOrDefault(key, List.of(0L)).getFirst();
        }
    }

    private static SessionRequest request(PackagedProgram tool, int worker) {
        CollectionSpec object = tool.spec();
        return new SessionRequest(object, SectionLinks.of(object).links(), List.of(worker));
    }

    private static KernelSession inKernel(SessionRequest request) {
        KernelSession.Opening opening = KernelSession.open(request, Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        return ((KernelSession.Opening.Opened) opening).session();
    }

    /** Two sides for each worker, in the order of the workers. */
    private List<Sides> count(PackagedProgram tool, String map) {
        List<Integer> workers = server.workerPids();
        SessionRequest first = request(tool, workers.getFirst());
        SessionRequest second = request(tool, workers.getLast());
        List<Long> sockets = workers.stream().map(KernelCountsTest::sockets).toList();
        workers.forEach(Worker::awaitIdle);
        try (Session firstHere = Sessions.open(first, new Attacher());
                Session secondHere = Sessions.open(second, new Attacher())) {
            workers.forEach(Worker::awaitIdle);
            try (KernelSession firstThere = inKernel(first);
                    KernelSession secondThere = inKernel(second)) {
                load();
                IntStream.range(0, workers.size()).forEach(i -> awaitUnused(workers.get(i), sockets.get(i)));
                List<Sides> sides = new ArrayList<>();
                firstThere.detach();
                secondThere.detach();
                sides.add(new Sides(of(firstHere, map), of(firstThere, map)));
                sides.add(new Sides(of(secondHere, map), of(secondThere, map)));
                return sides;
            }
        }
    }

    /** An exact number of requests, each on its own connection, then as many as there can be. */
    private void load() {
        assertThat(CurlLoad.run(server.url(Body.HELLO), REQUESTS, CurlLoad.Connections.ONE_EACH)
                        .isClean())
                .isTrue();
        assertThat(WrkLoad.run(server.url(Body.KIB_1), WrkLoad.Shape.full(1, 16, Duration.ofSeconds(2)))
                        .isClean())
                .isTrue();
    }

    /** No connection is left, so nothing will come that ends the wait. */
    private static void awaitUnused(int worker, long sockets) {
        while (sockets(worker) != sockets) {
            LockSupport.parkNanos(LOOK_AGAIN_NANOS);
        }
        Worker.awaitIdle(worker);
    }

    private static long sockets(int worker) {
        return WorkerState.of(worker).sockets();
    }

    private static Map<String, List<Long>> of(Session session, String map) {
        BpfMap counted = session.collection().map(map).orElseThrow();
        return of(DividedMap.of(counted, session.collection()::map));
    }

    private static Map<String, List<Long>> of(KernelSession session, String map) {
        return of(DividedMap.of(session.maps().get(map), session.maps()));
    }

    private static Map<String, List<Long>> of(Optional<DividedMap> map) {
        Map<String, List<Long>> all = new TreeMap<>();
        map.orElseThrow().elements().forEach(element -> all.put(key(element.key()), numbers(element.value())));
        return all;
    }

    /** A number, or a path. */
    private static String key(byte[] key) {
        return key.length == Integer.BYTES
                ? Integer.toString(
                        ByteBuffer.wrap(key).order(ByteOrder.LITTLE_ENDIAN).getInt())
                : new String(key, StandardCharsets.US_ASCII).replaceFirst("\0.*", "");
    }

    private static List<Long> numbers(byte[] value) {
        ByteBuffer buffer = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
        return IntStream.range(0, value.length / Long.BYTES)
                .mapToObj(i -> buffer.getLong(i * Long.BYTES))
                .toList();
    }

    private static long sum(List<Sides> sides, String key) {
        return sides.stream().mapToLong(side -> side.count(key)).sum();
    }

    @Test
    void everySystemCallIsCountedAsOftenAsInTheKernel() {
        List<Sides> sides = count(PackagedProgram.SYSCOUNT, "calls");

        assertThat(sides).allSatisfy(side -> assertThat(side.graft()).isEqualTo(side.kernel()));
        assertThat(sum(sides, Integer.toString(READ))).isGreaterThan(2 * REQUESTS);
        assertThat(sum(sides, Integer.toString(EPOLL_WAIT))).isGreaterThan(REQUESTS);
        assertThat(server.errorsSinceStart()).isEmpty();
    }

    @Test
    void everyFileThatIsOpenedIsSeenAsOftenAsInTheKernel() {
        List<Sides> sides = count(PackagedProgram.OPENSNOOP, "files");

        assertThat(sides).allSatisfy(side -> assertThat(side.graft()).isEqualTo(side.kernel()));
        String hello = sides.stream()
                .flatMap(side -> side.graft().keySet().stream())
                .filter(path -> path.endsWith("/" + Body.HELLO.file()))
                .findFirst()
                .orElseThrow();
        assertThat(sum(sides, hello)).isEqualTo(REQUESTS);
        assertThat(server.errorsSinceStart()).isEmpty();
    }
}
