/* What `graft bench uprobe` runs to measure stack traces, in processes and in the kernel alike: ten addresses of each. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(key_size, 4);
	__uint(value_size, 10 * 8);
} stacks SEC(".maps");

/* As many as were not kept. */
__u64 missing;

SEC("uprobe")
int keep(struct pt_regs *ctx)
{
	if (bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK) < 0)
		missing += 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
