/**
 * The x86-64 back end: {@link graft.ebpf.jit.x86_64.X64ProgramCompiler} first. Two passes over the program: the first
 * writes every forward jump long and learns which registers each function uses, the second writes the final code, in
 * which nothing is longer than in the first. One emitter per class of instruction.
 */
package graft.ebpf.jit.x86_64;
