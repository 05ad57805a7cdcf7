package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRefusal;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.object.CollectionSpec;
import graft.tests.command.Sessions;
import graft.uprobe.Probe;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Probes of {@code tracee.bpf.c} in a tracee: the n-th place counts under the number n. */
final class Probes {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/tracee.bpf.o");

    private Probes() {}

    static Session open(Tracee tracee, List<String> places, String program) throws IOException {
        return Sessions.open(request(tracee, places, program), new Attacher());
    }

    /** Why they cannot be opened. */
    static SessionRefusal refused(Tracee tracee, List<String> places, String program) throws IOException {
        Session.Opening opening =
                Session.open(request(tracee, places, program), Map.of(), AgentImage.load(), new Attacher());
        assertThat(opening).isInstanceOf(Session.Opening.Refused.class);
        return ((Session.Opening.Refused) opening).refusal();
    }

    /** One place is a request that fails when it cannot be probed; of several, those that can be are. */
    static SessionRequest request(Tracee tracee, List<String> places, String program) throws IOException {
        CollectionSpec object = Sessions.request(OBJECT, List.of()).object();
        List<LinkRequest> links = new ArrayList<>();
        for (String place : places) {
            links.add(new LinkRequest.Uprobe(program, probe(place), links.size()));
        }
        SessionRequest.OnRefusal onRefusal =
                places.size() == 1 ? SessionRequest.OnRefusal.FAIL : SessionRequest.OnRefusal.SKIP;
        return new SessionRequest(object, links, List.of(tracee.pid()), onRefusal);
    }

    static Probe probe(String place) {
        return switch (Probe.parse(place.indexOf(':') == place.lastIndexOf(':') ? place.replace(":", "::") : place)) {
            case Probe.Parsed.Ok(var probe) -> probe;
            case Probe.Parsed.Malformed malformed -> throw new AssertionError(malformed.toString());
        };
    }

    static long count(Session session, int cookie) {
        ArrayMap counts = (ArrayMap) session.collection().map("counts").orElseThrow();
        byte[] value =
                counts.lookup(bytes(Integer.BYTES).putInt(cookie).array()).orElseThrow();
        return ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getLong();
    }

    private static ByteBuffer bytes(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
    }

    static void assertRestored(Session session) {
        assertThat(session.detach()).singleElement().satisfies(proof -> {
            assertThat(proof.outcome()).as(proof.toString()).isEqualTo(DetachProof.Outcome.RESTORED);
            assertThat(proof.quarantined()).isEmpty();
        });
    }
}
