/**
 * A plain interpreter: the second implementation of the instruction semantics, which compiled code is compared with.
 * {@link graft.ebpf.interp.Interpreter} first. Every access is checked against the memory that the caller gave. Slow by
 * intent; the daemon runs functions of timers with it, no target runs anything with it.
 */
package graft.ebpf.interp;
