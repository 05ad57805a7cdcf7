package graft.cli.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What system calls take under a supervisor that seccomp asks, for scale: calls of the one number that it is asked about,
 * and others. The supervisor is a thread on the same processor that lets every call be made.
 */
final class SupervisedCalls {
    private static final int ROUNDS = 5;

    /** {@code geteuid}, which the last row calls. */
    private static final int SUPERVISED = 107;

    /** A call takes some ten times as long. */
    private static final long FEWER = 20;

    private final Path executable;
    private final long calls;

    SupervisedCalls(Path executable, long calls) {
        this.executable = executable;
        this.calls = Math.max(1, calls / FEWER);
    }

    /** Rows for calls that nobody is asked about, and for those that the supervisor answers. */
    List<BenchRow> run(List<String> rows) {
        try (BenchTarget target = BenchTarget.start(executable)) {
            Map<String, Samples> plain = target.measure(ROUNDS, calls, rows);
            target.supervise(SUPERVISED);
            Map<String, Samples> supervised = target.measure(ROUNDS, calls, rows);
            return List.of(
                    row("notify-not-asked", supervised.get(rows.getFirst()), plain.get(rows.getFirst())),
                    row("notify-continue", supervised.get(rows.getLast()), plain.get(rows.getLast())));
        }
    }

    private static BenchRow row(String name, Samples samples, Samples plain) {
        return new BenchRow("syscall", name, BenchRow.Who.SECCOMP, "ns", samples, samples.median() - plain.median());
    }
}
