/* What `graft bench` runs, in processes and in the kernel alike. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

SEC("uprobe")
int empty(struct pt_regs *ctx)
{
	(void)ctx;
	return 0;
}

SEC("uretprobe")
int empty_return(struct pt_regs *ctx)
{
	(void)ctx;
	return 0;
}

SEC("uprobe")
int count(struct pt_regs *ctx)
{
	__u32 slot = 0;
	__u64 *total = bpf_map_lookup_elem(&calls, &slot);

	(void)ctx;
	if (total)
		*total += 1;
	return 0;
}

/* Calls whose arguments add up to a number that none has: what reads them all cannot be left out. */
__u64 matches;

SEC("uprobe")
int arguments(struct pt_regs *ctx)
{
	if (ctx->di + ctx->si + ctx->dx + ctx->cx + ctx->r8 + ctx->r9 == 0x5eed5eed5eed5eed)
		matches += 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
