package graft.cli.bench;

import graft.cli.bpf.PackagedProgram;
import graft.cli.syscalls.KernelPlace;
import graft.cli.syscalls.Selection;
import graft.cli.syscalls.SyscallTrace;
import graft.daemon.KernelSession;
import graft.daemon.SectionLinks;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.syscalls.SyscallTable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What {@code graft syscalls --exhaustive} adds to calls: of the process that is traced, shown and not selected, and of
 * another one, which pays as well. The events are taken out between the batches.
 */
final class ExhaustiveCalls {
    private static final int ROUNDS = 7;

    /** In each round: the first calls behind an attach are slower. */
    private static final int BATCHES = 5;

    private static final long FEWER = 20;
    private static final String SHOWN = "geteuid";

    private final Path executable;
    private final long calls;

    ExhaustiveCalls(Path executable, long calls) {
        this.executable = executable;
        this.calls = Math.max(1, calls / FEWER);
    }

    /**
     * The rows.
     *
     * @param other calls something that is not selected
     * @param shown calls {@code geteuid}
     */
    List<BenchRow> run(String other, String shown) {
        CollectionSpec object = PackagedProgram.SYSCALLS.spec();
        SessionRequest request =
                new SessionRequest(object, SectionLinks.of(object).links(), List.of());
        try (BenchTarget traced = BenchTarget.start(executable);
                BenchTarget left = BenchTarget.start(executable)) {
            Map<String, List<Double>> plain = new TreeMap<>();
            Map<String, List<Double>> watched = new TreeMap<>();
            Map<String, List<Double>> beside = new TreeMap<>();
            for (int round = 0; round < ROUNDS; round++) {
                SyscallSuite.collect(plain, traced.measure(BATCHES, calls, List.of(other, shown)));
                try (KernelSession session = SyscallSuite.open(request);
                        KernelPlace place = new KernelPlace(session)) {
                    SyscallTrace trace = new SyscallTrace(place);
                    trace.trace(
                            Selection.of(SyscallTable.x8664(), List.of(SHOWN)),
                            0,
                            SyscallTrace.Mode.EVENTS,
                            ForkedChildren.LEFT);
                    trace.follow(traced.pid(), SyscallTrace.Since.NOW);
                    SyscallSuite.collect(watched, traced.measure(BATCHES, calls, List.of(other, shown)));
                    SyscallSuite.collect(beside, left.measure(BATCHES, calls, List.of(other)));
                    trace.stop();
                    while (trace.read(Duration.ZERO, _ -> {}) > 0) {
                        // the next round begins with an empty ring
                    }
                }
            }
            return new ArrayList<>(List.of(
                    row("exhaustive-shown", watched.get(shown), plain.get(shown)),
                    row("exhaustive-not-selected", watched.get(other), plain.get(other)),
                    row("exhaustive-other-process", beside.get(other), plain.get(other))));
        }
    }

    private static BenchRow row(String name, List<Double> values, List<Double> plain) {
        Samples samples = SyscallSuite.samples(values);
        double added = samples.median() - SyscallSuite.samples(plain).median();
        return new BenchRow("syscall", name, BenchRow.Who.GRAFT, "ns", samples, added);
    }
}
