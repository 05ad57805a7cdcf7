/**
 * Maps in shared memory: each is one sealed memfd that every target of a program and the daemon map. Layouts and lock
 * protocol are those of {@code map.layout} and of the agent's C; whatever one side writes the other reads. Open
 * {@link graft.ebpf.maps.MapCreation} first.
 *
 * <p>All types here may be used by any thread. Operations of the daemon return what bpf(2) would: 0 or a negated errno.
 * Memory behind a closed map is gone: later operations throw.
 */
package graft.ebpf.maps;
