/* Counts calls in a map that outlives the session. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

#ifndef COUNT
#define COUNT __u64
#endif

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, COUNT);
} graft_test_kept SEC(".maps");

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	__u32 zero = 0;
	COUNT one = 1, *count = bpf_map_lookup_elem(&graft_test_kept, &zero);

	(void)ctx;
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&graft_test_kept, &zero, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
