/* Two programs at functions that add to the same slot of one array. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sum SEC(".maps");

static __always_inline void add(__u64 what)
{
	__u32 slot = 0;
	__u64 *total = bpf_map_lookup_elem(&sum, &slot);
	if (total)
		__sync_fetch_and_add(total, what);
}

SEC("uprobe")
int ones(struct pt_regs *ctx)
{
	(void)ctx;
	add(1);
	return 0;
}

SEC("uprobe")
int millions(struct pt_regs *ctx)
{
	(void)ctx;
	add(1000000);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
