package graft.cli.bench;

import graft.cli.load.LoadResult;
import java.util.List;
import java.util.function.Supplier;

/** Runs a load on nginx's workers untraced, or traced by one program here or in the kernel. */
interface LoadTracing {
    /** The processes that serve. */
    List<Integer> workers();

    /** The program in the workers. */
    NginxRound graft(Supplier<LoadResult> load);

    /** The same program in the kernel. */
    NginxRound kernel(Supplier<LoadResult> load);

    /** Nothing attached. */
    default NginxRound untraced(Supplier<LoadResult> load) {
        long before = CpuTime.ofMainThreads(workers());
        LoadResult result = load.get();
        return new NginxRound(result, CpuTime.ofMainThreads(workers()) - before, 0, 0);
    }
}
