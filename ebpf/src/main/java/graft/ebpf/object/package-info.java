/**
 * From an eBPF ELF object to specs: {@link graft.ebpf.object.CollectionSpec} first. Pure: bytes in, values out; hostile
 * input ends in a refusal with a reason, never in another exception.
 */
package graft.ebpf.object;
