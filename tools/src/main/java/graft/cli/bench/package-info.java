/**
 * The benchmarks: every claim about speed is a row measured here against a baseline of the same, interleaved run. Open
 * {@link graft.cli.bench.BenchRow} first. A suite measures and returns rows; {@link graft.cli.bench.BenchReport} prints
 * them.
 */
package graft.cli.bench;
