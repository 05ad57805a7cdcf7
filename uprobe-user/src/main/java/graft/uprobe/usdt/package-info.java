/**
 * Static probes: the places that a program's author marked with {@code sys/sdt.h}, and where their arguments are.
 * {@link graft.uprobe.usdt.StaticProbes} reads them from a file, {@link graft.uprobe.usdt.UsdtSpec} says them as libbpf's
 * {@code usdt.bpf.h} expects. Pure.
 */
package graft.uprobe.usdt;
