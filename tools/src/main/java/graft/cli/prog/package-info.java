/** {@code graft prog} and {@code graft link}: the programs of running sessions, their code, and the places where they run. */
package graft.cli.prog;
