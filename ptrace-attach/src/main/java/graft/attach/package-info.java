/** Stops, reads, patches and restores other processes; the only package that writes to them. */
package graft.attach;
