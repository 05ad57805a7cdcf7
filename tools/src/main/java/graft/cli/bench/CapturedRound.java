package graft.cli.bench;

import graft.cli.tls.TlsTally;

/**
 * A run of the load with all TLS traffic captured.
 *
 * @param totals what the reader took
 */
record CapturedRound(NginxRound round, TlsTally.Totals totals) {
    /**
     * Whether the reader took what the load caused: one read for each request and the bytes of each response. A request
     * that was under way on a connection when the load ended may be seen without being counted.
     *
     * @param responseBytes what the server sends for one request
     */
    boolean isComplete(int connections, long responseBytes) {
        long requests = round.load().requests();
        return totals.cut() == 0
                && isBetween(totals.reads(), requests, requests + connections)
                && isBetween(totals.writtenBytes(), requests * responseBytes, (requests + connections) * responseBytes);
    }

    private static boolean isBetween(long value, long least, long most) {
        return value >= least && value <= most;
    }
}
