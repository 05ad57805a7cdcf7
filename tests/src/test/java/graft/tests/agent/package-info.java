/**
 * The in-target agent's own C sources in an ordinary program ({@code agent-host.c}), against the Java side of the same
 * shared memory. Needs gcc, no privileges.
 */
package graft.tests.agent;
