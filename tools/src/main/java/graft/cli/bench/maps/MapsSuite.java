package graft.cli.bench.maps;

import graft.bridge.KernelTestProgram;
import graft.cli.bench.BenchTargetFile;
import graft.cli.bench.SessionRunner;
import graft.cli.bpf.PackagedProgram;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.uprobe.Probe;
import java.util.ArrayList;
import java.util.List;

/**
 * What operations on maps and other helpers cost: the same programs in a process by graft and in the kernel by request, in
 * one interleaved run, after checking that both leave the same in their maps.
 */
public final class MapsSuite {
    /** So many runs fit into the ring twice. */
    private static final int RING_RUNS = 7;

    private final SessionRunner sessions;
    private final Effort effort;

    /**
     * How much to measure.
     *
     * @param rounds batches of each cell
     * @param runs of a program in a batch
     * @param writers processes that run it at the same time
     */
    public record Effort(int rounds, int runs, int writers) {}

    public MapsSuite(SessionRunner sessions, Effort effort) {
        this.sessions = sessions;
        this.effort = effort;
    }

    /** Measures {@code rows} and undoes all. */
    public MapResult run(List<MapRow> rows) {
        CollectionSpec object = PackagedProgram.MAPS.spec();
        try (BenchTargetFile file = BenchTargetFile.extract();
                Writers writers = Writers.start(file.path(), effort.writers())) {
            List<LinkRequest> links =
                    rows.stream().<LinkRequest>map(MapsSuite::link).toList();
            SessionRequest request = new SessionRequest(object, links, writers.pids());
            return sessions.during(request, session -> measure(rows, object, writers, session));
        }
    }

    private static LinkRequest.Uprobe link(MapRow row) {
        return new LinkRequest.Uprobe(row.program(), new Probe(Probe.Kind.ENTRY, "", row.function(), 0), 0);
    }

    private MapResult measure(List<MapRow> rows, CollectionSpec object, Writers writers, Session session) {
        List<MapCell> cells = new ArrayList<>();
        try {
            for (MapRow row : rows) {
                KernelTestProgram kernel =
                        KernelTestProgram.load(object, object.programs().get(row.program()));
                cells.add(new MapCell(row, writers, session, kernel));
            }
            cells.forEach(MapCell::requireSame);
            for (int round = 0; round < effort.rounds(); round++) {
                for (int i = 0; i < cells.size(); i++) {
                    boolean ring = rows.get(i) == MapRow.RING_64;
                    cells.get(i).measure(ring ? Math.min(effort.runs(), RING_RUNS / effort.writers()) : effort.runs());
                }
            }
            return new MapResult(cells.stream().map(MapCell::result).toList(), effort.writers());
        } finally {
            cells.forEach(MapCell::close);
        }
    }
}
