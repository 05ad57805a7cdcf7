/*
 * Every call of `work` drains the user ring: its argument says with which flags, and after how many samples the callback stops. What
 * it saw and what the drain gave go into RESULTS, which the kernel has to give as well.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

enum { SUM, SAMPLES, RESULT, INNER, LONG_READ, FIELDS };

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FIELDS);
	__type(key, __u32);
	__type(value, __u64);
} RESULTS SEC(".maps");

struct context {
	__u32 left;
	__u32 nested;
};

static void note(__u32 which, __u64 what)
{
	__u64 *value = bpf_map_lookup_elem(&RESULTS, &which);

	if (value)
		*value = *value * 31 + what;
}

static void count(__u32 which)
{
	__u64 *value = bpf_map_lookup_elem(&RESULTS, &which);

	if (value)
		__sync_fetch_and_add(value, 1);
}

static long inner(struct bpf_dynptr *sample, void *unused)
{
	(void)sample;
	(void)unused;
	return 1;
}

static long take(struct bpf_dynptr *sample, struct context *context)
{
	__u64 word = 0, *direct, more[4] = {0};

	note(SUM, bpf_dynptr_read(&word, sizeof(word), sample, 0, 0));
	note(SUM, word);
	direct = bpf_dynptr_data(sample, 8, sizeof(*direct));
	note(SUM, direct ? *direct : 5);
	if (direct)
		*direct = 1;
	note(LONG_READ, bpf_dynptr_read(more, sizeof(more), sample, 16, 0));
	note(LONG_READ, more[3]);
	note(LONG_READ, bpf_dynptr_write(sample, 0, more, 8, 0));
	count(SAMPLES);
	if (context->nested)
		note(INNER, bpf_user_ringbuf_drain(&samples, inner, (void *)0, 0));
	return context->left && !--context->left;
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	__u64 how = ARGUMENT1(ctx);
	struct context context = {.left = how >> 8 & 0xffff, .nested = how >> 24 & 1};

	note(RESULT, bpf_user_ringbuf_drain(&samples, take, &context, how & 0xff));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
