/* Refused: an argument of the traced function indexes a map value unchecked. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct values {
	__u64 slot[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct values);
} table SEC(".maps");

SEC("uprobe")
int no_bounds_test(struct pt_regs *ctx)
{
	__u32 key = 0;
	struct values *values = bpf_map_lookup_elem(&table, &key);

	if (values)
		values->slot[ARGUMENT1(ctx)] = 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
