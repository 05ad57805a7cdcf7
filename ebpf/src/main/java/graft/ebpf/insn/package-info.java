/**
 * The eBPF instruction set as a closed, pure model: {@link graft.ebpf.insn.Insn} and the list that holds it. Encoder,
 * decoder, assembler and disassembler live here too; the numbers and signs of operations are where the operations are, as
 * {@link graft.ebpf.insn.AluOp}. Depends on nothing but the names of helpers.
 */
package graft.ebpf.insn;
