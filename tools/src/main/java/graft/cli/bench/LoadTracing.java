package graft.cli.bench;

import graft.cli.load.LoadResult;
import java.util.List;
import java.util.function.Supplier;

/** Runs a load on nginx's workers untraced, or traced by one program here or in the kernel. */
interface LoadTracing {
    /** Graft's beside one of the kernel's, which loses so much that few are enough. */
    int WINDOWS = 3;

    /** The processes that serve. */
    List<Integer> workers();

    /** The program in the workers. */
    NginxRound graft(Supplier<LoadResult> load);

    /** The same program in the kernel. */
    NginxRound kernel(Supplier<LoadResult> load);

    /** Windows under graft, each with an untraced one behind it. */
    default void graft(ServedLoad load, NginxSeries series) {
        for (int i = 0; i < WINDOWS; i++) {
            NginxRound traced = graft(load::window);
            series.graft(traced, untraced(load::window));
        }
    }

    /** Nothing attached. */
    default NginxRound untraced(Supplier<LoadResult> load) {
        long before = CpuTime.ofMainThreads(workers());
        LoadResult result = load.get();
        return new NginxRound(result, CpuTime.ofMainThreads(workers()) - before, 0, 0);
    }
}
