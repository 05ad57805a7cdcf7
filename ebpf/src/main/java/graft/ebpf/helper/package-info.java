/** Which helpers exist, under the kernel's numbers. Open {@link graft.ebpf.helper.Helper} first. Pure. */
package graft.ebpf.helper;
