/**
 * A real server and real clients: what the demo, the benchmarks and the end-to-end tests trace. Open
 * {@link graft.cli.load.NginxServer} first. Everything listens on loopback only, is bounded in time, and is ended by the
 * id of the process that was started here.
 */
package graft.cli.load;
