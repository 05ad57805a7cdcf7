package graft.cli.bench;

import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.daemon.KernelSession;
import graft.daemon.SectionLinks;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.verifier.Permission;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What programs add to a system call: the same object in one process by graft and in another by the kernel's tracepoints,
 * measured in turns. The kernel's are attached for their turns only: they slow down every call of the machine.
 */
public final class SyscallSuite {
    private static final String RAW = "row_call_raw";
    private static final String ANY = "row_call_any";
    private static final String ANY_ENTER = "row_call_any_enter";
    private static final String ANY_BOTH = "row_call_any_both";
    private static final String ENTER = "row_call_enter";
    private static final String BOTH = "row_call_both";
    private static final String BLOCKED = "row_call_blocked";
    private static final List<String> ROWS = List.of(RAW, ANY, ANY_ENTER, ANY_BOTH, ENTER, BOTH);

    /** Names of the rows with programs, or with a place that could call what has programs: any number. */
    private static final Map<String, String> NAMES = names();

    /** Of each round, short ones: what is compared has run right one after the other. */
    private static final int TURNS = 20;

    private final SessionRunner sessions;
    private final int rounds;
    private final long calls;

    private static Map<String, String> names() {
        Map<String, String> names = new LinkedHashMap<>();
        names.put(ANY, "not-traced-any-number");
        names.put(ANY_ENTER, "enter-any-number");
        names.put(ANY_BOTH, "enter-exit-any-number");
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
                BenchTarget blocked = BenchTarget.start(file.path());
                BenchTarget plain = BenchTarget.start(file.path())) {
            SessionRequest blocking =
                    request(PackagedProgram.OVERRIDE.spec(), blocked).allowing(Set.of(Permission.CHANGE));
            Targets targets = new Targets(hooked, blocked, plain);
            List<BenchRow> rows = new ArrayList<>(sessions.during(
                    request(object, hooked),
                    _ -> sessions.during(blocking, _ -> measure(targets, request(object, plain)))));
            rows.addAll(new ExhaustiveCalls(file.path(), calls).run(RAW, BOTH));
            rows.addAll(new DispatchedCalls(file.path(), calls).run(RAW));
            rows.addAll(new StracedCalls(file.path(), calls).run(List.of(RAW, BOTH)));
            rows.addAll(new SupervisedCalls(file.path(), calls).run(List.of(RAW, BOTH)));
            return rows;
        }
    }

    private static SessionRequest request(CollectionSpec object, BenchTarget target) {
        return new SessionRequest(object, SectionLinks.of(object).links(), List.of(target.pid()));
    }

    private record Targets(BenchTarget hooked, BenchTarget blocked, BenchTarget plain) {}

    private List<BenchRow> measure(Targets targets, SessionRequest inKernel) {
        Map<String, List<Double>> raw = new LinkedHashMap<>();
        Map<String, List<Double>> graft = new LinkedHashMap<>();
        Map<String, List<Double>> blocked = new LinkedHashMap<>();
        Map<String, List<Double>> kernel = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            for (int turn = 0; turn < TURNS; turn++) {
                collect(raw, targets.plain().measure(1, calls / TURNS, ROWS));
                collect(graft, targets.hooked().measure(1, calls / TURNS, ROWS));
                collect(blocked, targets.blocked().measure(1, calls / TURNS, List.of(UprobeSuite.PLAIN, BLOCKED)));
            }
            try (KernelSession _ = open(inKernel)) {
                collect(kernel, targets.plain().measure(1, calls / TURNS, ROWS));
            }
        }
        List<BenchRow> rows = new ArrayList<>();
        rows.add(new BenchRow("syscall", "raw", BenchRow.Who.NATIVE, "ns", samples(raw.get(RAW)), 0));
        // Nothing is patched at a place that calls one number without a program.
        rows.add(row("not-traced", graft.get(RAW), raw.get(RAW)));
        NAMES.forEach((row, name) -> {
            rows.add(row(name, graft.get(row), beside(raw, row, graft)));
            Samples inKernelToo = samples(kernel.get(row));
            rows.add(new BenchRow(
                    "syscall",
                    name,
                    BenchRow.Who.KERNEL,
                    "ns",
                    inKernelToo,
                    inKernelToo.median() - samples(raw.get(row)).median()));
        });
        rows.add(row("blocked", blocked.get(BLOCKED), blocked.get(UprobeSuite.PLAIN)));
        return rows;
    }

    /** The same in the kernel. */
    static KernelSession open(SessionRequest request) {
        return switch (KernelSession.open(request, Map.of())) {
            case KernelSession.Opening.Opened(var session) -> session;
            case KernelSession.Opening refused ->
                throw Problem.of("D003", "the kernel's tracepoints cannot be measured here")
                        .because(refused.toString())
                        .failure();
        };
    }

    /** Adds a round's values to those before. */
    static void collect(Map<String, List<Double>> values, Map<String, Samples> round) {
        round.forEach((row, sample) ->
                values.computeIfAbsent(row, _ -> new ArrayList<>()).add(sample.median()));
    }

    /** Of all rounds. */
    static Samples samples(List<Double> values) {
        return Samples.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /**
     * What a row would take in the hooked process: what a call does there that has no program, and by how much the two
     * calls differ where there is none at all.
     */
    private static List<Double> beside(Map<String, List<Double>> raw, String row, Map<String, List<Double>> hooked) {
        List<Double> values = new ArrayList<>();
        for (int i = 0; i < hooked.get(RAW).size(); i++) {
            values.add(hooked.get(RAW).get(i)
                    + samples(raw.get(row)).median()
                    - samples(raw.get(RAW)).median());
        }
        return values;
    }

    /** What is added is measured turn by turn: the machine is not equally fast in all of them. For a blocked call it is all. */
    private static BenchRow row(String name, List<Double> values, List<Double> raw) {
        List<Double> added = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            added.add(values.get(i) - raw.get(i));
        }
        return new BenchRow(
                "syscall",
                name,
                BenchRow.Who.GRAFT,
                "ns",
                samples(values),
                samples(added).median());
    }
}
