/* System calls by number, and those that failed. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "snoop.h"

struct counted {
	__u64 calls;
	__u64 errors;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct counted);
} calls SEC(".maps");

SEC("tracepoint/raw_syscalls/sys_exit")
int on_exit(struct syscall_exit *ctx)
{
	__u32 number = ctx->number;
	struct counted none = {};
	struct counted *counted = bpf_map_lookup_elem(&calls, &number);

	if (!counted) {
		bpf_map_update_elem(&calls, &number, &none, BPF_NOEXIST);
		counted = bpf_map_lookup_elem(&calls, &number);
		if (!counted)
			return 0;
	}
	__sync_fetch_and_add(&counted->calls, 1);
	if (ctx->result < 0)
		__sync_fetch_and_add(&counted->errors, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
