/**
 * {@code graft bench maps}: operations on maps and other helpers in a process and in the kernel; {@link
 * graft.cli.bench.maps.MapsSuite} first. The programs are in {@code src/main/bpf/maps.bpf.c}.
 */
package graft.cli.bench.maps;
