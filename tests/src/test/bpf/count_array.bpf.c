/* Counts entries in slot 0 and returns in slot 1 of an array. The command chooses the function. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline void add(__u32 slot)
{
	__u64 *count = bpf_map_lookup_elem(&counts, &slot);
	if (count)
		__sync_fetch_and_add(count, 1);
}

SEC("uprobe")
int count_enter(struct pt_regs *ctx)
{
	(void)ctx;
	add(0);
	return 0;
}

SEC("uretprobe")
int count_exit(struct pt_regs *ctx)
{
	(void)ctx;
	add(1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
