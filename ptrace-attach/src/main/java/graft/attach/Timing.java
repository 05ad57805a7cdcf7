package graft.attach;

/**
 * How long the target was held, in nanoseconds.
 *
 * @param handoverNanos one thread was away from its program: from its first stop until it was put back
 * @param stopNanos all threads were stopped: from the first interrupt until the last detach; one alone: from when it had
 *     stopped, as it ran or slept on until then
 * @param threads threads that were stopped
 */
public record Timing(long handoverNanos, long stopNanos, int threads) {}
