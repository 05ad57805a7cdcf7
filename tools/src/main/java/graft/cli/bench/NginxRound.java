package graft.cli.bench;

import graft.cli.load.LoadResult;
import graft.cli.tls.TlsTally;

/**
 * One run of the load.
 *
 * @param load what the load generator counted
 * @param cpuNanos time that the workers and the reader spent on a CPU
 * @param totals what the reader took; nothing when nothing was traced
 * @param lost records that never reached the reader
 */
record NginxRound(LoadResult load, long cpuNanos, TlsTally.Totals totals, long lost) {
    /** Nanoseconds of CPU time for one request. */
    double cpuPerRequest() {
        return (double) cpuNanos / Math.max(1, load.requests());
    }

    /**
     * Whether the reader took what the load caused: one read for each request and the bytes of each response. A request
     * that was under way on a connection when the load ended may be seen without being counted.
     *
     * @param responseBytes what the server sends for one request
     */
    boolean isComplete(int connections, long responseBytes) {
        return totals.cut() == 0
                && isBetween(totals.reads(), load.requests(), load.requests() + connections)
                && isBetween(
                        totals.writtenBytes(),
                        load.requests() * responseBytes,
                        (load.requests() + connections) * responseBytes);
    }

    private static boolean isBetween(long value, long least, long most) {
        return value >= least && value <= most;
    }
}
