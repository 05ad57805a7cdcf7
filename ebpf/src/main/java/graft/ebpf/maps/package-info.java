/**
 * Maps in shared memory, with the kernel's semantics. Open {@link graft.ebpf.maps.BpfMap} first. Each map is one sealed
 * memfd; its layout ({@code map.layout}) is shared with the agent that works on the same memory inside targets. The only
 * package of this module with native access, through {@code graft.platform.linux}.
 */
package graft.ebpf.maps;
