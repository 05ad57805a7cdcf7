/**
 * The programs of {@code tests/tracees}, each with one hazard for probes and a check of its own work: what they do is the
 * same with and without graft, and every call is counted.
 */
package graft.tests.tracee;
