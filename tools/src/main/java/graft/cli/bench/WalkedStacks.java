package graft.cli.bench;

import graft.bridge.KernelCollection;
import graft.bridge.KernelLink;
import graft.bridge.KernelMap;
import graft.cli.bpf.PackagedProgram;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.daemon.StackWalk;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.object.CollectionSpec;
import graft.uprobe.Probe;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a stack trace of ten addresses costs that is known already: by frame pointers, in the kernel too, and by tables. */
final class WalkedStacks {
    private static final String PROGRAM = "keep";
    private static final String MAP = "stacks";
    private static final String BY_FRAMES = "row_graft_stack";
    private static final String UNWOUND = "row_graft_stack_unwound";
    private static final String KERNEL = "row_kernel_stack";
    private static final List<String> FUNCTIONS = List.of(UprobeSuite.PLAIN, BY_FRAMES, UNWOUND, KERNEL);

    private final SessionRunner sessions;
    private final UprobeSuite.Effort effort;
    private final CollectionSpec object = PackagedProgram.STACKS.spec();

    WalkedStacks(SessionRunner sessions, UprobeSuite.Effort effort) {
        this.sessions = sessions;
        this.effort = effort;
    }

    List<BenchRow> run() {
        try (BenchTargetFile file = BenchTargetFile.extract();
                BenchTarget target = BenchTarget.start(file.path());
                KernelCollection programs = UprobeSuite.load(object)) {
            Probe inKernel = entry(KERNEL);
            int pid = target.pid();
            try (KernelLink _ = UprobeSuite.attach(programs, PROGRAM, BenchPlaces.point(pid, inKernel), pid)) {
                return sessions.during(
                        request(BY_FRAMES, pid, StackWalk.FRAME_POINTERS),
                        byFrames -> sessions.during(request(UNWOUND, pid, StackWalk.UNWIND), unwound -> {
                            Map<String, List<Double>> values = measure(target);
                            requireWhole(traces(programs.maps().get(MAP)));
                            requireWhole(traces(byFrames));
                            requireWhole(traces(unwound));
                            return rows(values);
                        }));
            }
        }
    }

    private static Probe entry(String function) {
        return new Probe(Probe.Kind.ENTRY, "", function, 0);
    }

    private SessionRequest request(String function, int pid, StackWalk stacks) {
        LinkRequest link = new LinkRequest.Uprobe(PROGRAM, entry(function), 0);
        return new SessionRequest(object, List.of(link), List.of(pid)).with(stacks);
    }

    private Map<String, List<Double>> measure(BenchTarget target) {
        Map<String, List<Double>> values = new LinkedHashMap<>();
        for (int round = 0; round < effort.rounds(); round++) {
            target.measureDeep(effort.slowCalls(), FUNCTIONS)
                    .forEach((row, sample) ->
                            values.computeIfAbsent(row, _ -> new ArrayList<>()).add(sample.median()));
        }
        return values;
    }

    private static List<BenchRow> rows(Map<String, List<Double>> values) {
        double plain = samples(values.get(UprobeSuite.PLAIN)).median();
        return List.of(
                row("stack-of-10", BenchRow.Who.GRAFT, samples(values.get(BY_FRAMES)), plain),
                row("stack-of-10", BenchRow.Who.KERNEL, samples(values.get(KERNEL)), plain),
                row("stack-of-10-unwound", BenchRow.Who.GRAFT, samples(values.get(UNWOUND)), plain));
    }

    private static List<byte[]> traces(Session session) {
        KeyedMap stacks = (KeyedMap) session.collection().map(MAP).orElseThrow();
        return stacks.keys().stream()
                .map(key -> stacks.lookup(key).orElseThrow())
                .toList();
    }

    private static List<byte[]> traces(KernelMap stacks) {
        return stacks.keys().stream()
                .map(key -> stacks.lookup(key).orElseThrow())
                .toList();
    }

    /** A walk that ends too soon would be fast. */
    private static void requireWhole(List<byte[]> traces) {
        boolean isWhole =
                traces.stream().allMatch(trace -> ByteBuffer.wrap(trace).getLong(trace.length - Long.BYTES) != 0);
        if (traces.size() != 1 || !isWhole) {
            throw new IllegalStateException(
                    "%d stacks were found, not one with ten addresses".formatted(traces.size()));
        }
    }

    private static BenchRow row(String name, BenchRow.Who who, Samples samples, double plain) {
        return new BenchRow("uprobe", name, who, "ns", samples, samples.median() - plain);
    }

    private static Samples samples(List<Double> values) {
        return Samples.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }
}
