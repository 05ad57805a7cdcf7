package graft.cli.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What system calls take in a thread with Syscall User Dispatch, for scale: where the calling code is in the range that is
 * allowed, where a byte says that the call may be made, and where SIGSYS comes instead, whose handler makes it.
 */
final class DispatchedCalls {
    private static final int ROUNDS = 11;
    private static final Map<String, String> NAMES =
            Map.of("range", "dispatch-in-range", "selector", "dispatch-allowed", "signal", "dispatch-signal");

    /** A signal takes some ten times as long as a call. */
    private static final long FEWER = 20;

    private final Path executable;
    private final long calls;

    DispatchedCalls(Path executable, long calls) {
        this.executable = executable;
        this.calls = Math.max(1, calls / FEWER);
    }

    /** One row for each of the ways, of the call {@code row}. */
    List<BenchRow> run(String row) {
        List<BenchRow> rows = new ArrayList<>();
        for (String how : List.of("range", "selector", "signal")) {
            try (BenchTarget target = BenchTarget.start(executable)) {
                Samples plain = target.measure(ROUNDS, calls, List.of(row)).get(row);
                target.dispatch(how);
                Samples samples = target.measure(ROUNDS, calls, List.of(row)).get(row);
                rows.add(new BenchRow(
                        "syscall",
                        NAMES.get(how),
                        BenchRow.Who.DISPATCH,
                        "ns",
                        samples,
                        samples.median() - plain.median()));
            }
        }
        return rows;
    }
}
