/** Maps, programs and links in the kernel, by bpf(2). */
package graft.bridge;
