/**
 * System calls as text, in the manner of strace: paths quoted, flags and errors by name, structures by member. Open
 * {@link graft.syscalls.decode.CallText} first. Values in, text out; knows no process.
 */
package graft.syscalls.decode;
