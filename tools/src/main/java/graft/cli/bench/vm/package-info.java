/**
 * {@code graft bench vm}: the same work as native code, in the kernel and compiled by graft; {@link
 * graft.cli.bench.vm.VmSuite} first. The programs are in {@code src/main/vm}.
 */
package graft.cli.bench.vm;
