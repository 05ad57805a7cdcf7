// Counts calls of a library's function.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} sum SEC(".maps");

static __attribute__((noinline)) void add(__u32 index, __u64 value)
{
	__u64 *place = bpf_map_lookup_elem(&sum, &index);

	if (place)
		__sync_fetch_and_add(place, value);
}

SEC("uprobe/plugin.so:plugin_work")
int enters(struct pt_regs *ctx)
{
	add(0, 1);
	return 0;
}

SEC("uprobe/second.so:plugin_work")
int enters_second(struct pt_regs *ctx)
{
	add(2, 1);
	return 0;
}

SEC("uretprobe/plugin.so:plugin_work")
int leaves(struct pt_regs *ctx)
{
	add(1, ctx->rax);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
