/**
 * What one user request owns, from load to undo. Open {@link graft.daemon.Session} first. The same code runs embedded in
 * a command and in a long-running daemon.
 */
package graft.daemon;
