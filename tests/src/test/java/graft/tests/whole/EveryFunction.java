package graft.tests.whole;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A session that probes the entry and the return of every function of some files of a process. */
final class EveryFunction implements AutoCloseable {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/whole.bpf.o");

    private final Session session;

    /** Which programs of {@code whole.bpf.c}. */
    enum Programs {
        LITTLE,
        MUCH;

        private String at(String event) {
            return name().toLowerCase(java.util.Locale.ROOT) + "_" + event;
        }
    }

    private EveryFunction(Session session) {
        this.session = session;
    }

    /** @param files by name as mapped; the empty name is the executable */
    static EveryFunction of(List<Integer> pids, List<String> files, Programs programs) {
        List<LinkRequest> links = files.stream()
                .flatMap(file -> Stream.<LinkRequest>of(
                        link(programs.at("entry"), Probe.Kind.ENTRY, file),
                        link(programs.at("return"), Probe.Kind.RETURN, file)))
                .toList();
        try {
            CollectionSpec object = Sessions.request(OBJECT, pids).object();
            SessionRequest request = new SessionRequest(object, links, pids, SessionRequest.OnRefusal.SKIP);
            return new EveryFunction(Sessions.open(request, new Attacher()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static LinkRequest link(String program, Probe.Kind kind, String file) {
        return new LinkRequest.Uprobe(program, new Probe(kind, file, "*", 0), 0);
    }

    /** Programs at places, and, of those that were left out, how many for which reason. */
    String summary() {
        Map<String, Long> reasons = session.skipped().stream()
                .collect(Collectors.groupingBy(EveryFunction::reason, TreeMap::new, Collectors.counting()));
        List<String> lines = new ArrayList<>();
        lines.add("%,d programs at places of %d processes, %,d sites; entries %,d, returns %,d, returns missed %,d"
                .formatted(
                        session.links(),
                        session.attachments().size(),
                        session.attachments().stream()
                                .mapToInt(one -> one.injection().plan().sites().size())
                                .sum(),
                        entries(),
                        returns(),
                        session.attachments().stream()
                                .mapToLong(one -> one.missedReturns())
                                .sum()));
        reasons.forEach((reason, count) -> lines.add("  left out %4d: %s".formatted(count, reason)));
        return String.join("\n", lines);
    }

    private static String reason(SessionRefusal.SiteRefused refused) {
        return refused.why().replaceAll("0x[0-9a-f]+", "..").replaceAll("at [A-Za-z_]\\w*( |$)", "at F$1");
    }

    long entries() {
        return count(0);
    }

    long returns() {
        return count(1);
    }

    private long count(int event) {
        return ((ArrayMap) session.collection().map("calls").orElseThrow()).longAt(event);
    }

    int leftOut() {
        return session.skipped().size();
    }

    int places() {
        return session.points().size();
    }

    /** Detaches from processes that still live. */
    void assertRestored() {
        List<DetachProof> proofs = session.detach();
        assertThat(proofs).allSatisfy(proof -> {
            assertThat(proof.outcome()).as("%s", proof).isEqualTo(DetachProof.Outcome.RESTORED);
            assertThat(proof.clean()).as("%s", proof).isTrue();
        });
    }

    @Override
    public void close() {
        session.close();
    }
}
