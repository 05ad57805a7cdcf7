/* Which process and thread called getpgrp last. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} LAST SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getpgrp")
int look(void *ctx)
{
	__u32 key = 0;
	__u64 value = bpf_get_current_pid_tgid();

	(void)ctx;
	bpf_map_update_elem(&LAST, &key, &value, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
