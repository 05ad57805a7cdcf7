package graft.ebpf.insn;

/**
 * A kernel function as a call instruction carries it.
 *
 * @param btfId the function's id in the kernel's or a module's BTF
 * @param btfIndex which BTF: 0 is the kernel, otherwise an index into the loader's array of BTF file descriptors
 */
public record KernelCall(int btfId, short btfIndex) {}
