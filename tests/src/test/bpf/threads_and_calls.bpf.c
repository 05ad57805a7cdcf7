/*
 * What only the kernel sees and what only a process sees, added up in one array and in one variable: threads that start,
 * and calls of the executable's function `work`, which show the variable in slot 1. Nothing here says that the two sides
 * share memory.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} sum SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} starts SEC(".maps");

__u64 events;

static __always_inline void add(void)
{
	__u32 slot = 0;
	__u64 *total = bpf_map_lookup_elem(&sum, &slot);

	if (total)
		__sync_fetch_and_add(total, 1);
	__sync_fetch_and_add(&events, 1);
}

SEC("tracepoint/task/task_newtask")
int thread_starts(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 one = 1;
	__u64 *known = bpf_map_lookup_elem(&starts, &pid);

	(void)ctx;
	if (known)
		__sync_fetch_and_add(known, 1);
	else
		bpf_map_update_elem(&starts, &pid, &one, BPF_ANY);
	add();
	return 0;
}

SEC("uprobe/:work")
int work_called(void *ctx)
{
	__u32 slot = 1;
	__u64 *seen;

	(void)ctx;
	add();
	seen = bpf_map_lookup_elem(&sum, &slot);
	if (seen)
		*seen = events;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
