/**
 * The kernel's own eBPF by bpf(2), without libbpf: maps, programs, links. The same specs as in user space; this is the
 * other place where an object can run, and the oracle of the tests. Open {@link graft.bridge.KernelCollection} first.
 * Everything that holds a descriptor is {@code AutoCloseable} and owns it.
 */
package graft.bridge;
