/* A kernel tracepoint and a user-space function add to the same slot of one mmapable array. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sum SEC(".maps");

const volatile __u32 watched_pid; /* set before loading; 0 leaves it to the loader whose calls count */

static __always_inline void add(void)
{
	__u32 slot = 0;
	__u64 *total = bpf_map_lookup_elem(&sum, &slot);
	if (total)
		__sync_fetch_and_add(total, 1);
}

SEC("tracepoint/syscalls/sys_enter_getppid")
int in_kernel(void *ctx)
{
	(void)ctx;
	if (!watched_pid || bpf_get_current_pid_tgid() >> 32 == watched_pid)
		add();
	return 0;
}

SEC("uprobe")
int in_user(struct pt_regs *ctx)
{
	(void)ctx;
	add();
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
