/*
 * Latency of one function as a power-of-two histogram. Recursion counts as one call, the outermost. A call that never
 * returned (longjmp, exception) is forgotten when its thread enters the function again from an equal or outer frame.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

#define SLOTS 64

struct call {
	__u64 start_ns;
	__u64 sp; /* of the outermost call */
	__u64 depth;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct call);
} calls SEC(".maps");

/* Slot n counts the calls that took 2^n up to 2^(n+1) - 1 ns; slot 0 also those of 0 ns. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} histogram SEC(".maps");

__u64 total_ns;
__u64 lost_no_slot;

static __always_inline __u32 log2(__u64 value)
{
	__u32 slot = 0;

#define HALVE(bits)                  \
	if (value >> (bits)) {       \
		value >>= (bits);    \
		slot += (bits);      \
	}
	HALVE(32)
	HALVE(16)
	HALVE(8)
	HALVE(4)
	HALVE(2)
	HALVE(1)
#undef HALVE
	return slot;
}

SEC("uprobe")
int enter(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *under_way = bpf_map_lookup_elem(&calls, &id);

	if (under_way && ctx->sp < under_way->sp) {
		under_way->depth++;
		return 0;
	}
	struct call call = { .start_ns = bpf_ktime_get_ns(), .sp = ctx->sp, .depth = 1 };
	if (bpf_map_update_elem(&calls, &id, &call, BPF_ANY))
		__sync_fetch_and_add(&lost_no_slot, 1);
	return 0;
}

SEC("uretprobe")
int leave(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &id);

	(void)ctx;
	if (!call)
		return 0; /* attached in the middle of the call */
	if (call->depth > 1) {
		call->depth--;
		return 0;
	}
	__u64 spent = now - call->start_ns;
	bpf_map_delete_elem(&calls, &id);
	__u32 slot = log2(spent);
	__u64 *count = bpf_map_lookup_elem(&histogram, &slot);
	if (count)
		__sync_fetch_and_add(count, 1);
	__sync_fetch_and_add(&total_ns, spent);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
