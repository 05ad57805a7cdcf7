/* Sends the signals of a list, and keeps what the helpers say. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

#define MOST 8
#define PLACE 0x5eed5eed5

struct list {
	__u64 count;
	struct {
		__u32 number, to_thread;
	} signal[MOST];
};

struct said {
	long result[MOST];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct said);
} SAID SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} EVENTS SEC(".maps");

__u32 runs;

static __attribute__((noinline)) long send(__u32 number, __u32 to_thread)
{
	return to_thread ? bpf_send_signal_thread(number) : bpf_send_signal(number);
}

/* The record of the ring is open while signals are sent. */
static void send_all(const void *from)
{
	struct list list = {};
	__u32 index = runs++;
	struct said *said = bpf_map_lookup_elem(&SAID, &index);
	__u64 *event = bpf_ringbuf_reserve(&EVENTS, sizeof(*event), 0);

	if (!event)
		return;
	*event = index;
	if (said && !bpf_probe_read_user(&list, sizeof(list), from))
		for (int i = 0; i < MOST && i < list.count; i++)
			said->result[i] = send(list.signal[i].number, list.signal[i].to_thread);
	bpf_ringbuf_submit(event, 0);
}

SEC("uprobe")
int on_entry(struct pt_regs *ctx)
{
	send_all((const void *)ctx->rdi);
	return 0;
}

SEC("uprobe")
int on_inner(struct pt_regs *ctx)
{
	send_all((const void *)ctx->rdi);
	return 0;
}

SEC("uretprobe")
int on_return(struct pt_regs *ctx)
{
	send_all((const void *)ctx->rax);
	return 0;
}

int sender(struct pt_regs *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, int(void *));
} PROGRAMS SEC(".maps") = {.values = {[0] = (void *)&sender}};

SEC("uprobe")
int sender(struct pt_regs *ctx)
{
	send_all((const void *)ctx->rdi);
	return 0;
}

/* Sends nothing itself. */
SEC("uprobe")
int on_tail(struct pt_regs *ctx)
{
	bpf_tail_call(ctx, &PROGRAMS, 0);
	return 0;
}

static long send_one(__u32 index, struct list *list)
{
	if (index < MOST)
		send(list->signal[index].number, list->signal[index].to_thread);
	return 0;
}

SEC("uprobe")
int on_loop(struct pt_regs *ctx)
{
	struct list list = {};

	if (!bpf_probe_read_user(&list, sizeof(list), (const void *)ctx->rdi))
		bpf_loop(list.count, send_one, &list, 0);
	return 0;
}

/* What lseek() says, with a place that no other program asks for. */
struct exit {
	__u64 common;
	long nr, result;
};

SEC("tracepoint/syscalls/sys_exit_lseek")
int on_call(struct exit *ctx)
{
	if (ctx->result == PLACE)
		bpf_send_signal(10);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
