/**
 * BPF Type Format: types of objects and of the kernel. Open {@link graft.ebpf.btf.Btf} first. Pure; bad content ends in
 * {@link graft.ebpf.btf.BtfFormatException} and in nothing else.
 */
package graft.ebpf.btf;
