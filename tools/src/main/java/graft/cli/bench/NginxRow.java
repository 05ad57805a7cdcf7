package graft.cli.bench;

/**
 * One measured row of the nginx suite.
 *
 * @param bench requests per second; {@code added} is negative when tracing costs throughput
 * @param compared each window with the untraced ones before and after it
 * @param cpu nanoseconds of CPU time that the workers and the reader spent for one request, by window
 * @param events records that the reader took, over all windows
 * @param lost records that never reached the reader
 * @param failed requests without a proper answer
 */
public record NginxRow(BenchRow bench, Compared compared, Samples cpu, long events, long lost, long failed) {

    /**
     * Windows and their neighbours, in percent.
     *
     * @param loss requests per second that are missing
     * @param growth CPU time for one request that was added
     */
    public record Compared(Samples loss, Samples growth) {
        /** Of untraced windows. */
        static final Compared NOTHING = new Compared(Samples.of(0), Samples.of(0));
    }
}
