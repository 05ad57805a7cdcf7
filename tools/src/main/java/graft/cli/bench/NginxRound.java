package graft.cli.bench;

import graft.cli.load.LoadResult;

/**
 * One run of the load.
 *
 * @param load what the load generator counted
 * @param cpuNanos time that the workers and the reader spent on a CPU
 * @param events what the tracer saw; nothing when nothing was traced
 * @param lost records that never reached the reader
 */
record NginxRound(LoadResult load, long cpuNanos, long events, long lost) {
    /** The same, and what the tracer has counted meanwhile. */
    NginxRound with(long counted) {
        return new NginxRound(load, cpuNanos, counted, lost);
    }

    /** Nanoseconds of CPU time for one request. */
    double cpuPerRequest() {
        return (double) cpuNanos / Math.max(1, load.requests());
    }
}
