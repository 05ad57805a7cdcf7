package graft.cli.bench;

import graft.attach.Attachment;
import graft.attach.Injection;
import graft.bridge.KernelAttach;
import graft.bridge.KernelCollection;
import graft.bridge.KernelLink;
import graft.bridge.KernelLoad;
import graft.bridge.UprobePoint;
import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRefusal;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.object.CollectionSpec;
import graft.platform.layout.PoolConstants;
import graft.platform.layout.StateLayout;
import graft.platform.linux.PerfEvent;
import graft.uprobe.AttachPoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What one probe costs: the same object in the target by graft and in the kernel by uprobes, on functions with equal
 * bodies, measured in one interleaved run.
 */
public final class UprobeSuite {
    static final String PLAIN = "row_plain";
    private static final String FLOOR = "row_floor";

    private final SessionRunner sessions;
    private final Effort effort;

    /**
     * How much to measure.
     *
     * @param rounds batches of each row
     * @param calls calls in a batch
     * @param slowCalls calls in a batch of a row that enters the kernel
     */
    public record Effort(int rounds, long calls, long slowCalls) {}

    public UprobeSuite(SessionRunner sessions, Effort effort) {
        this.sessions = sessions;
        this.effort = effort;
    }

    /** Measures all rows and undoes all. */
    public List<BenchRow> run() {
        List<BenchRow> rows = new ArrayList<>(oneSiteEach());
        rows.add(new OverriddenCall(sessions, effort).run());
        rows.addAll(new ManySites(sessions, effort).run());
        rows.addAll(new WalkedStacks(sessions, effort).run());
        return rows;
    }

    private List<BenchRow> oneSiteEach() {
        CollectionSpec object = PackagedProgram.BENCH.spec();
        try (BenchTargetFile file = BenchTargetFile.extract();
                BenchTarget target = BenchTarget.start(file.path())) {
            BenchPlaces places = new BenchPlaces(object, target.pid());
            List<LinkRequest> links = Stream.of(UprobeRow.values())
                    .flatMap(row -> places.links(row).stream())
                    .toList();
            SessionRequest request = new SessionRequest(object, links, List.of(target.pid()));
            return sessions.during(request, session -> {
                Map<String, Samples> measured = withKernel(object, places, target);
                requireExact(session, target);
                List<BenchRow> rows = rows(measured);
                killed(session);
                rows.add(entry("entry-graft-killed", target));
                requireSwitched(session.switchOff());
                rows.add(entry("entry-switched-off", target));
                return rows;
            });
        }
    }

    /** A probe that missed calls would be fast: the counting program ran as often as its function. */
    private static void requireExact(Session session, BenchTarget target) {
        long calls = target.calls(UprobeRow.ENTRY_COUNT.graftFunction());
        long counted = switch (session.collection().map("calls").orElseThrow()) {
            case ArrayMap array -> array.longAt(0);
            case BpfMap other -> throw new AssertionError("calls is " + other);
        };
        if (counted != calls) {
            throw new IllegalStateException("the program ran %d times, its function %d".formatted(counted, calls));
        }
    }

    private static void requireSwitched(List<SessionRefusal.TargetRefused> refused) {
        if (!refused.isEmpty()) {
            throw new IllegalStateException("the probes cannot be switched off: " + refused);
        }
    }

    /** As when the daemon dies: the code stays, and the programs do not run. */
    private static void killed(Session session) {
        for (Attachment attachment : session.attachments()) {
            for (Injection.Pool pool : attachment.injection().pools()) {
                attachment.writeRuntime(pool, PoolConstants.STATE_OFFSET + StateLayout.ACTIVE, new byte[Integer.BYTES]);
            }
        }
    }

    private BenchRow entry(String name, BenchTarget target) {
        String probed = UprobeRow.ENTRY_EMPTY.graftFunction();
        Map<String, List<Double>> values = new LinkedHashMap<>();
        for (int round = 0; round < effort.rounds(); round++) {
            collect(values, target.measure(1, effort.calls(), List.of(PLAIN, probed)));
        }
        return row(
                name,
                BenchRow.Who.GRAFT,
                samples(values.get(probed)),
                samples(values.get(PLAIN)).median());
    }

    private Map<String, Samples> withKernel(CollectionSpec object, BenchPlaces places, BenchTarget target) {
        try (KernelCollection programs = load(object)) {
            List<KernelLink> links = new ArrayList<>();
            try {
                for (UprobeRow row : UprobeRow.values()) {
                    for (UprobeRow.Attached attached : row.programs()) {
                        AttachPoint point = places.kernelPoint(row, attached);
                        links.add(attach(programs, attached.program(), point, target.pid()));
                    }
                }
                return measure(target);
            } finally {
                links.forEach(KernelLink::close);
            }
        }
    }

    static KernelCollection load(CollectionSpec object) {
        return switch (KernelCollection.load(object, Map.of(), Set.of())) {
            case KernelLoad.Loaded(var collection) -> collection;
            case KernelLoad.Rejected rejected -> throw kernelProblem(rejected.toString());
            case KernelLoad.Refused refused -> throw kernelProblem(refused.toString());
        };
    }

    static KernelLink attach(KernelCollection programs, String program, AttachPoint point, int pid) {
        PerfEvent.Edge edge = switch (point.kind()) {
            case ENTRY, OFFSET, STATIC, LINE -> PerfEvent.Edge.ENTRY;
            case RETURN -> PerfEvent.Edge.RETURN;
        };
        Path file = Path.of("/proc/" + pid + "/root" + point.modulePath());
        UprobePoint place = new UprobePoint(edge, file, point.fileOffset(), pid);
        return switch (KernelLink.attachUprobe(programs.programs().get(program), place, 0)) {
            case KernelAttach.Attached(var link) -> link;
            case KernelAttach.Refused refused -> throw kernelProblem(refused.toString());
        };
    }

    private static RuntimeException kernelProblem(String why) {
        return Problem.of("D003", "the kernel's uprobes cannot be measured here")
                .because(why)
                .failure();
    }

    private Map<String, Samples> measure(BenchTarget target) {
        List<String> fast = new ArrayList<>(List.of(PLAIN, FLOOR));
        List<String> slow = new ArrayList<>();
        for (UprobeRow row : UprobeRow.values()) {
            fast.add(row.graftFunction());
            slow.add(row.kernelFunction());
        }
        Map<String, List<Double>> values = new LinkedHashMap<>();
        for (int round = 0; round < effort.rounds(); round++) {
            collect(values, target.measure(1, effort.calls(), fast));
            collect(values, target.measure(1, effort.slowCalls(), slow));
        }
        Map<String, Samples> samples = new LinkedHashMap<>();
        values.forEach((row, list) -> samples.put(row, samples(list)));
        return samples;
    }

    private static Samples samples(List<Double> values) {
        return Samples.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    private static void collect(Map<String, List<Double>> values, Map<String, Samples> round) {
        round.forEach((row, sample) ->
                values.computeIfAbsent(row, _ -> new ArrayList<>()).add(sample.median()));
    }

    private static List<BenchRow> rows(Map<String, Samples> measured) {
        double plain = measured.get(PLAIN).median();
        List<BenchRow> rows = new ArrayList<>();
        rows.add(row("plain-call", BenchRow.Who.NATIVE, measured.get(PLAIN), plain));
        rows.add(row("entry-empty", BenchRow.Who.FLOOR, measured.get(FLOOR), plain));
        for (UprobeRow row : UprobeRow.values()) {
            rows.add(row(row.label(), BenchRow.Who.GRAFT, measured.get(row.graftFunction()), plain));
            rows.add(row(row.label(), BenchRow.Who.KERNEL, measured.get(row.kernelFunction()), plain));
        }
        return rows;
    }

    private static BenchRow row(String name, BenchRow.Who who, Samples samples, double plain) {
        return new BenchRow("uprobe", name, who, "ns", samples, samples.median() - plain);
    }
}
