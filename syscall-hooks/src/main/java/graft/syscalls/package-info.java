/**
 * System calls of a target: which instructions make them, and what must be probed to see them. The {@code syscall}
 * instruction itself is never touched: the instructions before and after it are. Open
 * {@link graft.syscalls.SyscallSites} first; {@link graft.syscalls.SyscallTable} says what the calls are. Never writes to a
 * process.
 */
package graft.syscalls;
