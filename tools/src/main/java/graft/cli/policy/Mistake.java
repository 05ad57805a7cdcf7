package graft.cli.policy;

/**
 * Something in a policy file that cannot be honoured.
 *
 * @param line from 1 on
 * @param column from 1 on
 */
public record Mistake(int line, int column, String what) {}
