/** The commands: options in, one call into the daemon, output. */
package graft.cli;
