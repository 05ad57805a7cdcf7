package graft.cli.bench;

import graft.cli.error.Problem;
import graft.cli.load.LoadResult;
import graft.daemon.SessionRefusal;
import java.util.List;
import java.util.function.Supplier;

/** Runs a load on nginx's workers untraced, or traced by one program here or in the kernel. */
interface LoadTracing {
    /** Graft's beside one of the kernel's: many and short, because neighbours in time are compared. */
    int WINDOWS = 24;

    /** How many of those are as long as one window of the kernel. */
    int PARTS = 5;

    /** The processes that serve. */
    List<Integer> workers();

    /** The program in the workers. */
    NginxRound graft(Supplier<LoadResult> load);

    /** The same program in the kernel. */
    NginxRound kernel(Supplier<LoadResult> load);

    /** Windows under graft, each with an untraced one behind it. */
    void graft(ServedLoad load, NginxSeries series);

    /** Whether programs run: between windows. */
    static void requireSwitched(List<SessionRefusal.TargetRefused> refused) {
        if (!refused.isEmpty()) {
            throw Problem.of("B001", "a session could not be switched off and on")
                    .because(refused.getFirst().toString())
                    .failure();
        }
    }

    /** Nothing attached. */
    default NginxRound untraced(Supplier<LoadResult> load) {
        long before = CpuTime.ofMainThreads(workers());
        LoadResult result = load.get();
        return new NginxRound(result, CpuTime.ofMainThreads(workers()) - before, 0, 0);
    }
}
