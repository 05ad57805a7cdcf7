/**
 * From a verified program to machine code for one target: {@link graft.ebpf.jit.ProgramCompiler} first. Pure: a program,
 * the verifier's facts and the target's addresses in, bytes out. Back ends live in sub-packages named after the machine.
 * Never used without the verifier's consent: compiled code checks nothing.
 */
package graft.ebpf.jit;
