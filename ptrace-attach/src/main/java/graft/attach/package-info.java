/**
 * Stops, reads, patches and restores other processes; the only package that writes to them. Open
 * {@link graft.attach.Attacher} first, then {@code Injector} (one attach) and {@code Undo} (detach, rollback and recovery
 * are the same code).
 *
 * <p>Invariants: the undo journal is on disk before the first byte of a target changes; a refused attach leaves nothing;
 * undoing looks at what is there and may be repeated. Every operation runs on an OS thread of its own, because ptrace
 * belongs to a thread, and the kernel lets go of what a thread holds when it ends.
 */
package graft.attach;
