/* One event of 64 bytes for each call: what `graft bench events` measures, in processes and in the kernel alike. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct event {
	__u64 time, thread, words[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} events SEC(".maps");

/* Calls, and of them those for which there was no room. */
enum { SEEN, LOST };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} totals SEC(".maps");

static __always_inline void add(__u32 total)
{
	__u64 *number = bpf_map_lookup_elem(&totals, &total);

	if (number)
		*number += 1;
}

SEC("uprobe")
int event(struct pt_regs *ctx)
{
	struct event *event;

	(void)ctx;
	add(SEEN);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		add(LOST);
		return 0;
	}
	event->time = bpf_ktime_get_ns();
	event->thread = bpf_get_current_pid_tgid();
	for (int i = 0; i < 6; i++)
		event->words[i] = i;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
