package graft.cli.bench;

/**
 * One measured row of the nginx suite.
 *
 * @param bench requests per second; {@code added} is negative when tracing costs throughput
 * @param loss in percent: what each window lost against the untraced ones before and after it
 * @param cpu nanoseconds of CPU time that the workers and the reader spent for one request, by window
 * @param events records that the reader took, over all windows
 * @param lost records that never reached the reader
 * @param failed requests without a proper answer
 */
public record NginxRow(BenchRow bench, Samples loss, Samples cpu, long events, long lost, long failed) {}
