/**
 * What {@code /proc} says of a process. Open {@link graft.platform.proc.ProcessMaps} first. Snapshots: values that were
 * true when read. A process that is gone ends in {@link graft.platform.proc.NoSuchProcessException}.
 */
package graft.platform.proc;
