/* Every call of `work` leaves something in maps of many types, for others to look at and to change. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

enum protocol { TCP = 6, UDP = 17 };

struct flow {
	enum protocol protocol;
	__u16 port;
	char name[6];
};

struct use {
	__u64 hits;
	__s32 last;
	__u8 flags[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} steps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct flow);
	__type(value, struct use);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} shares SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, __u32);
} orders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile __u32 fixed = 5;
__u64 calls;
__u32 ordered;

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	struct flow flow = {.protocol = UDP, .port = 53, .name = "dns"};
	struct use first = {};
	__u32 zero = 0, order;
	__u64 one = fixed / 5;
	__u64 *step = bpf_map_lookup_elem(&steps, &zero);
	struct use *use;
	__u64 *share;

	(void)ctx;
	__sync_fetch_and_add(&calls, 1);
	bpf_map_update_elem(&flows, &flow, &first, BPF_NOEXIST);
	use = bpf_map_lookup_elem(&flows, &flow);
	if (use && step) {
		use->hits += *step;
		use->last = -1;
	}
	share = bpf_map_lookup_elem(&shares, &zero);
	if (share)
		*share += one;
	else
		bpf_map_update_elem(&shares, &zero, &one, BPF_ANY);
	if (!bpf_map_pop_elem(&orders, &order))
		ordered += order;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
