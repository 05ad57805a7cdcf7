package graft.daemon;

/**
 * A program that a followed process has executed.
 *
 * @param pid the process
 * @param tid the thread that has executed it, by the number that it had until then
 * @param nanos when, as {@link System#nanoTime} counts
 */
public record Executed(int pid, int tid, long nanos) {}
