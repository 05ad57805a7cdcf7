/* Every call of `work` sends its number to a perf event array; wrong flags are refused. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} RESULTS SEC(".maps");

static void note(__u32 which, __u64 what)
{
	__u64 *result = bpf_map_lookup_elem(&RESULTS, &which);

	if (result)
		*result = what;
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	__u64 n = ARGUMENT1(ctx);

	note(0, bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &n, sizeof(n)));
	note(1, bpf_perf_event_output(ctx, &events, 1ull << 32, &n, sizeof(n)));
	note(2, bpf_perf_event_output(ctx, &events, 100000, &n, sizeof(n)));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
