/* Refused: the result of a look-up is used without a test for null. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("uprobe")
int no_null_test(struct pt_regs *ctx)
{
	__u32 key = 1;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	(void)ctx;
	*count += 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
