/**
 * The eBPF instruction set as a closed, pure model: {@link graft.ebpf.insn.Insn} and the list that holds it. Encoder,
 * decoder and disassembler live here too. Depends on nothing.
 */
package graft.ebpf.insn;
