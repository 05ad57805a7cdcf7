package graft.cli.bench;

import graft.cli.bpf.PackagedProgram;
import graft.cli.load.LoadResult;
import graft.cli.map.DividedMap;
import graft.daemon.KernelSession;
import graft.daemon.SectionLinks;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.object.CollectionSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Runs a load under a packaged tool for system calls that counts in a divided map, whose values begin with a count. The kernel's
 * tracepoints are there for every process of the machine, the load generator too; programs leave at once for others.
 */
final class CallTracing implements LoadTracing {
    private final SessionRunner sessions;
    private final SessionRequest request;
    private final String map;

    /** @param map what the tool counts in */
    CallTracing(SessionRunner sessions, PackagedProgram tool, String map, List<Integer> workers) {
        this.sessions = sessions;
        this.map = map;
        CollectionSpec object = tool.spec();
        this.request = new SessionRequest(object, SectionLinks.of(object).links(), workers);
    }

    @Override
    public List<Integer> workers() {
        return request.pids();
    }

    @Override
    public NginxRound graft(Supplier<LoadResult> load) {
        return sessions.during(request, session -> {
            NginxRound round = untraced(load);
            return counted(round, values(session));
        });
    }

    /**
     * In one session, which is switched off and on between the windows, by a single stop of each worker: what is compared has
     * run right one after the other.
     */
    @Override
    public void graft(ServedLoad load, NginxSeries series) {
        sessions.during(request, session -> {
            Supplier<LoadResult> part = () -> load.part(PARTS);
            LoadTracing.requireSwitched(session.switchOff());
            series.untraced(untraced(part));
            long events = 0;
            for (int i = 0; i < WINDOWS; i++) {
                LoadTracing.requireSwitched(session.switchOn());
                NginxRound traced = untraced(part);
                LoadTracing.requireSwitched(session.switchOff());
                long counted = sum(values(session));
                series.graft(traced.with(counted - events), untraced(part));
                events = counted;
            }
            return events;
        });
    }

    @Override
    public NginxRound kernel(Supplier<LoadResult> load) {
        try (KernelSession session = SyscallSuite.open(request)) {
            NginxRound round = untraced(load);
            return counted(round, values(session));
        }
    }

    private Stream<byte[]> values(Session session) {
        BpfMap counted = session.collection().map(map).orElseThrow();
        return values(DividedMap.of(counted, session.collection()::map));
    }

    private Stream<byte[]> values(KernelSession session) {
        return values(DividedMap.of(session.maps().get(map), session.maps()));
    }

    private static Stream<byte[]> values(Optional<DividedMap> map) {
        return map.orElseThrow().elements().stream().map(DividedMap.Element::value);
    }

    private static NginxRound counted(NginxRound round, Stream<byte[]> values) {
        return round.with(sum(values));
    }

    private static long sum(Stream<byte[]> values) {
        return values.mapToLong(value ->
                        ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong())
                .sum();
    }
}
