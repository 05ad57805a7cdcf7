/**
 * The daemon's half of maps and rings under jcstress: each class says which results two threads may see of one map, and
 * {@link graft.tests.stress.StressTest} runs them all. Depends on {@code graft.ebpf.maps} alone.
 */
package graft.tests.stress;
