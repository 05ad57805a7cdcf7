/**
 * {@code graft syscalls}: what {@code syscalls.bpf.c} is told to copy, its events, and how they are printed. Open
 * {@link graft.cli.syscalls.EventReader} first.
 */
package graft.cli.syscalls;
