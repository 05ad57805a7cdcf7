/**
 * The eBPF machine at the command line: {@link graft.cli.vm.VmCommand} first. Bare programs in hex go through an
 * {@link graft.cli.vm.Engine}; compiled code that nobody has verified runs in a process of its own
 * ({@link graft.cli.vm.Runner}).
 */
package graft.cli.vm;
