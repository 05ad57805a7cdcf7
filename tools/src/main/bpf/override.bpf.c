/* A function replaced by a program, and a system call, for `graft bench`. Not in bench.bpf.c, which the kernel loads as well. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

SEC("uprobe")
int override(struct pt_regs *ctx)
{
	bpf_override_return(ctx, 0);
	return 0;
}

SEC("ksyscall/getpgrp")
int block(struct pt_regs *ctx)
{
	bpf_override_return(ctx, -1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
