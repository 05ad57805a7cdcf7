/* Refused: memory of the traced process is read directly instead of with a helper. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

SEC("uprobe")
int direct_read(struct pt_regs *ctx)
{
	return *(volatile int *)ARGUMENT1(ctx);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
