/** What ends this process, as commands see it. Open {@link Interruption} first. */
package graft.cli.process;
