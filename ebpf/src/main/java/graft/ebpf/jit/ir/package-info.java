/**
 * The middle representation of the compiler: {@link graft.ebpf.jit.ir.Flow} first, then {@link graft.ebpf.jit.ir.Op}.
 *
 * <p>A function is a graph of blocks. A block is a list of three-address operations on variables and ends with one
 * operation that names the blocks that follow. A variable is a live range of one eBPF register ({@link
 * graft.ebpf.jit.ir.Webs}) or made by a pass, so most variables have one definition, and what was computed from such
 * variables stays true wherever it is used. {@link graft.ebpf.jit.ir.Transactions} changes the graph before that, for
 * processors that have them. Nothing here knows a machine; a back end gives registers to variables and
 * writes code for operations.
 */
package graft.ebpf.jit.ir;
