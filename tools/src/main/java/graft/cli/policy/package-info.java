/**
 * Rules for system calls: {@link graft.cli.policy.Policy} is what {@link graft.cli.policy.PolicyReader} reads from a file;
 * {@link graft.cli.policy.RuleTables} are the tables that {@code policy.bpf.c} runs on.
 */
package graft.cli.policy;
