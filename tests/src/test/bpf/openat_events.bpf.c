/* Enter and exit of openat: counts in slots 0 and 1, failed calls in slot 2. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct enter_record {
	__u64 common;
	__s64 number;
	__u64 args[6];
};

struct exit_record {
	__u64 common;
	__s64 number;
	__s64 result;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline void add(__u32 slot)
{
	__u64 *count = bpf_map_lookup_elem(&counts, &slot);
	if (count)
		__sync_fetch_and_add(count, 1);
}

SEC("tracepoint/syscalls/sys_enter_openat")
int openat_enter(struct enter_record *ctx)
{
	if (ctx->args[1])
		add(0);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int openat_exit(struct exit_record *ctx)
{
	add(1);
	if (ctx->result < 0)
		add(2);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
