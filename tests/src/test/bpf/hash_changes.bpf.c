/*
 * Every call of `work` puts one key into a hash and takes another one out, so most of its time is spent inside changes.
 * Results that the map alone cannot explain are counted in `refused`.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

#define KEYS 64
#define ENOENT 2
#define EEXIST 17

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KEYS);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} refused SEC(".maps");

SEC("uprobe/:work")
int change(struct pt_regs *ctx)
{
	__u64 n = ARGUMENT1(ctx);
	__u32 in = n % KEYS;
	__u32 out = (n + KEYS / 2) % KEYS;
	__u32 slot = 0;
	long put = bpf_map_update_elem(&table, &in, &n, BPF_NOEXIST);
	long taken = bpf_map_delete_elem(&table, &out);
	__u64 *count = bpf_map_lookup_elem(&refused, &slot);

	if (count && ((put && put != -EEXIST) || (taken && taken != -ENOENT)))
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
