package graft.cli.bench;

import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.daemon.KernelSession;
import graft.daemon.SectionLinks;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What programs add to a system call: the same object in one process by graft and in another by the kernel's tracepoints,
 * measured in turns. The kernel's are attached for their turns only: they slow down every call of the machine.
 */
public final class SyscallSuite {
    private static final String RAW = "row_call_raw";
    private static final String ANY = "row_call_any";
    private static final String ENTER = "row_call_enter";
    private static final String BOTH = "row_call_both";
    private static final List<String> ROWS = List.of(RAW, ANY, ENTER, BOTH);

    /** Names of the rows with programs, or with a place that could call what has programs. */
    private static final Map<String, String> NAMES = names();

    private final SessionRunner sessions;
    private final int rounds;
    private final long calls;

    private static Map<String, String> names() {
        Map<String, String> names = new LinkedHashMap<>();
        names.put(ANY, "not-traced");
        names.put(ENTER, "enter");
        names.put(BOTH, "enter-exit");
        return names;
    }

    /**
     * @param rounds batches of each row
     * @param calls calls in a batch
     */
    public SyscallSuite(SessionRunner sessions, int rounds, long calls) {
        this.sessions = sessions;
        this.rounds = rounds;
        this.calls = calls;
    }

    /** Measures all rows and undoes all. */
    public List<BenchRow> run() {
        CollectionSpec object = PackagedProgram.CALLS.spec();
        try (BenchTargetFile file = BenchTargetFile.extract();
                BenchTarget hooked = BenchTarget.start(file.path());
                BenchTarget plain = BenchTarget.start(file.path())) {
            return sessions.during(request(object, hooked), _ -> measure(hooked, plain, request(object, plain)));
        }
    }

    private static SessionRequest request(CollectionSpec object, BenchTarget target) {
        return new SessionRequest(object, SectionLinks.of(object).links(), List.of(target.pid()));
    }

    private List<BenchRow> measure(BenchTarget hooked, BenchTarget plain, SessionRequest inKernel) {
        Map<String, List<Double>> raw = new LinkedHashMap<>();
        Map<String, List<Double>> graft = new LinkedHashMap<>();
        Map<String, List<Double>> kernel = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            collect(raw, plain.measure(1, calls, ROWS));
            collect(graft, hooked.measure(1, calls, ROWS));
            try (KernelSession _ = open(inKernel)) {
                collect(kernel, plain.measure(1, calls, ROWS));
            }
        }
        List<BenchRow> rows = new ArrayList<>();
        rows.add(new BenchRow("syscall", "raw", BenchRow.Who.NATIVE, "ns", samples(raw.get(RAW)), 0));
        NAMES.forEach((row, name) -> {
            rows.add(row(name, BenchRow.Who.GRAFT, graft.get(row), raw.get(row)));
            rows.add(row(name, BenchRow.Who.KERNEL, kernel.get(row), raw.get(row)));
        });
        return rows;
    }

    private static KernelSession open(SessionRequest request) {
        return switch (KernelSession.open(request, Map.of())) {
            case KernelSession.Opening.Opened(var session) -> session;
            case KernelSession.Opening refused ->
                throw Problem.of("D003", "the kernel's tracepoints cannot be measured here")
                        .because(refused.toString())
                        .failure();
        };
    }

    private static void collect(Map<String, List<Double>> values, Map<String, Samples> round) {
        round.forEach((row, sample) ->
                values.computeIfAbsent(row, _ -> new ArrayList<>()).add(sample.median()));
    }

    private static Samples samples(List<Double> values) {
        return Samples.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** What is added is measured turn by turn: the machine is not equally fast in all of them. */
    private static BenchRow row(String name, BenchRow.Who who, List<Double> values, List<Double> raw) {
        List<Double> added = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            added.add(values.get(i) - raw.get(i));
        }
        return new BenchRow(
                "syscall", name, who, "ns", samples(values), samples(added).median());
    }
}
