/* One event a call: arguments at entry, the result at return. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct event {
	__u64 kind; /* 0 entry, 1 return */
	__u64 pid_tgid;
	__u64 value[3]; /* arguments 1 to 3, or the result */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

SEC("uprobe")
int event_enter(struct pt_regs *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	event->kind = 0;
	event->pid_tgid = bpf_get_current_pid_tgid();
	event->value[0] = ARGUMENT1(ctx);
	event->value[1] = ARGUMENT2(ctx);
	event->value[2] = ARGUMENT3(ctx);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("uretprobe")
int event_exit(struct pt_regs *ctx)
{
	struct event event = { .kind = 1, .pid_tgid = bpf_get_current_pid_tgid(), .value = { RESULT(ctx) } };
	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
