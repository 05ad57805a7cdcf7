package graft.attach;

import graft.platform.proc.Execution;

/**
 * What {@code /proc} says of a process that can be attached to.
 *
 * @param pid the process
 * @param startTime clock ticks after boot ({@code stat} field 22); with the pid it names the process for ever
 * @param execution what it runs: another one when it starts another program
 * @param comm the command name
 * @param uid the effective user id
 * @param threads number of threads
 * @param seccomp whether a filter must be suspended while attaching
 */
public record TargetFacts(
        int pid, long startTime, Execution execution, String comm, int uid, int threads, Seccomp seccomp) {
    /** Seccomp mode of the target. */
    public enum Seccomp {
        NONE,
        STRICT,
        FILTER
    }
}
