/** What one user request owns, from load to undo. */
package graft.daemon;
