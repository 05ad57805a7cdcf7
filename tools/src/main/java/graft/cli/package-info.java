/**
 * The {@code graft} command: {@link graft.cli.Main} first. One picocli class for each command, holding options and one
 * call into the daemon; nothing here looks into a target itself. Single-threaded. Data goes to stdout, everything else
 * to stderr.
 */
package graft.cli;
