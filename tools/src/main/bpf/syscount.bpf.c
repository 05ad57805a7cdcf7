/* System calls by number, and those that failed. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "snoop.h"

struct counted {
	__u64 calls;
	__u64 errors;
};

/* Numbers that no call has, or that have the bit of the x32 calls. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct counted);
} calls SEC(".maps");

/* The others: a map divided by processors (snoop.h). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct counted);
} __calls SEC(".maps");

static __always_inline int count_together(__u32 number, __s64 result)
{
	struct counted *counted = bpf_map_lookup_elem(&calls, &number);

	if (!counted) {
		struct counted none = {};

		bpf_map_update_elem(&calls, &number, &none, BPF_NOEXIST);
		counted = bpf_map_lookup_elem(&calls, &number);
		if (!counted)
			return 0;
	}
	__sync_fetch_and_add(&counted->calls, 1);
	if (result < 0)
		__sync_fetch_and_add(&counted->errors, 1);
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_exit")
int on_exit(struct syscall_exit *ctx)
{
	__u32 number = ctx->number;
	struct counted *counted = bpf_map_lookup_elem(&__calls, &number);

	if (!counted)
		return count_together(number, ctx->result);
	counted->calls += 1;
	if (ctx->result < 0)
		counted->errors += 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
