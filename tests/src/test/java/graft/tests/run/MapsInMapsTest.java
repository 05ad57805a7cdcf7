package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.MapOfMaps;
import graft.tests.command.Sessions;
import graft.uprobe.Probe;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The daemon exchanges maps in a map while processes run programs on them. */
@Tag("slow")
class MapsInMapsTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/maps_of_maps.bpf.o");
    private static final int ROUNDS = 20;

    /** The object puts nothing in there. */
    private static final int EMPTY = 2;

    @TempDir
    private Path folder;

    @Test
    void whatIsPutInIsUsedAtOnceByAllProcessesAndWhatIsTakenOutNoMore() throws IOException {
        Path file = ToldProgram.compile(folder);
        try (ToldProgram one = ToldProgram.start(file);
                ToldProgram other = ToldProgram.start(file);
                Session session = open(one, other)) {
            MapOfMaps arrays = arrays(session);
            for (int round = 0; round < ROUNDS; round++) {
                ArrayMap map = put(arrays);
                assertThat(sum(map)).isZero();
                one.does("call 100");
                long ofOne = sum(map);
                assertThat(ofOne).isPositive();
                other.does("call 100");
                long ofBoth = sum(map);
                assertThat(ofBoth).isNotEqualTo(ofOne);

                assertThat(arrays.delete(key(EMPTY))).isZero();
                one.does("call 100");
                other.does("call 100");
                assertThat(sum(map)).isEqualTo(ofBoth);
                map.close();
            }
            assertRestored(session, 2);
        }
    }

    /** One process is killed and another goes on while maps come and go under them. */
    @Test
    void aDeathLeavesTheOthersTheirMaps() throws IOException {
        Path file = ToldProgram.compile(folder);
        try (ToldProgram one = ToldProgram.start(file);
                ToldProgram other = ToldProgram.start(file);
                Session session = open(one, other)) {
            MapOfMaps arrays = arrays(session);
            one.begins("call " + Long.MAX_VALUE);
            other.begins("call " + Long.MAX_VALUE);
            for (int round = 0; round < ROUNDS; round++) {
                if (round == ROUNDS / 2) {
                    one.kill();
                }
                try (ArrayMap map = put(arrays)) {
                    while (sum(map) == 0) {
                        assertThat(session.hasLiveTarget()).isTrue();
                    }
                }
            }
            assertThat(session.detach())
                    .anySatisfy(proof -> assertThat(proof.outcome()).isEqualTo(DetachProof.Outcome.RESTORED));
        }
    }

    private static ArrayMap put(MapOfMaps arrays) {
        BpfMap map = ((MapCreation.Created) arrays.create(arrays.spec().inner().orElseThrow())).map();
        assertThat(arrays.put(key(EMPTY), map, KeyedMap.ANY)).isZero();
        return (ArrayMap) map;
    }

    private static MapOfMaps arrays(Session session) {
        return (MapOfMaps) session.collection().map("arrays").orElseThrow();
    }

    private static Session open(ToldProgram... programs) throws IOException {
        List<Integer> pids = IntStream.range(0, programs.length)
                .mapToObj(index -> Integer.parseInt(programs[index].pid()))
                .toList();
        List<LinkRequest> links =
                List.of(new LinkRequest.Uprobe("on_call", new Probe(Probe.Kind.ENTRY, "", "work", 0), 0));
        return Sessions.open(new SessionRequest(Sessions.request(OBJECT, pids).object(), links, pids), new Attacher());
    }

    private static long sum(ArrayMap map) {
        return IntStream.range(0, map.spec().maxEntries())
                .mapToLong(map::longAt)
                .sum();
    }

    private static byte[] key(int index) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(index)
                .array();
    }

    private static void assertRestored(Session session, int targets) {
        assertThat(session.detach()).hasSize(targets).allSatisfy(proof -> {
            assertThat(proof.outcome()).isEqualTo(DetachProof.Outcome.RESTORED);
            assertThat(proof.quarantined()).isEmpty();
        });
    }
}
