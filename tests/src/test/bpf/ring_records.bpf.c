/* Every call of `work` puts one record into a ring, or is counted in `refused`. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

#define WORDS 8

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} refused SEC(".maps");

SEC("uprobe/:work")
int record(struct pt_regs *ctx)
{
	__u64 *words = bpf_ringbuf_reserve(&events, WORDS * sizeof(__u64), 0);
	__u32 slot = 0;

	if (!words) {
		__u64 *count = bpf_map_lookup_elem(&refused, &slot);

		if (count)
			__sync_fetch_and_add(count, 1);
		return 0;
	}
	for (int i = 0; i < WORDS; i++)
		words[i] = ARGUMENT1(ctx);
	bpf_ringbuf_submit(words, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
