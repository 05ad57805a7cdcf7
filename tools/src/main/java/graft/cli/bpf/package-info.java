/** The BPF programs that come with graft. Sources: {@code tools/src/main/bpf}. */
package graft.cli.bpf;
