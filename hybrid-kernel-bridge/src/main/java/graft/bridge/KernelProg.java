package graft.bridge;

import graft.ebpf.object.ProgSpec;
import graft.platform.linux.NativeFd;

/** A program in the kernel. Its collection owns the descriptor; a link keeps the program loaded all the same. */
public record KernelProg(ProgSpec spec, NativeFd fd) {}
