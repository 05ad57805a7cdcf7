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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;

/**
 * What operations on maps and other helpers cost: the same programs in a process by graft and in the kernel by request, in
 * one interleaved run, after checking that both leave the same in their maps.
 */
public final class MapsSuite {
    private final SessionRunner sessions;
    private final Effort effort;

    /**
     * How much to measure.
     *
     * @param rounds batches of each cell
     * @param window length of a batch
     * @param writers processes that run it at the same time: each of these numbers in each round
     */
    public record Effort(int rounds, Duration window, SortedSet<Integer> writers) {}

    public MapsSuite(SessionRunner sessions, Effort effort) {
        this.sessions = sessions;
        this.effort = effort;
    }

    /** Measures {@code rows} and undoes all. */
    public MapResult run(List<MapRow> rows) {
        CollectionSpec object = PackagedProgram.MAPS.spec();
        try (BenchTargetFile file = BenchTargetFile.extract();
                Writers writers = Writers.start(file.path(), effort.writers().last())) {
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
                for (MapCell cell : cells) {
                    effort.writers()
                            .forEach(
                                    count -> cell.measure(count, effort.window().toNanos()));
                }
            }
            return new MapResult(cells.stream().flatMap(MapCell::results).toList());
        } finally {
            cells.forEach(MapCell::close);
        }
    }
}
