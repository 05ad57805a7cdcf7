/*
 * Every call of `work` does something to a queue, a stack and a bloom filter. What comes of it goes into a number for each of
 * them: the same calls have to give the same numbers in the kernel.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

#define ENTRIES 13

struct value {
	__u64 number;
	__u32 square;
	__u8 rest[9];
};

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, ENTRIES);
	__type(value, struct value);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, ENTRIES);
	__type(value, __u32);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100000);
	__uint(map_extra, 3);
	__type(value, __u64);
} filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} RESULTS SEC(".maps");

static void note(__u32 which, __u64 what)
{
	__u64 *sum = bpf_map_lookup_elem(&RESULTS, &which);

	if (sum)
		*sum = *sum * 31 + what;
}

static void change_queue(__u64 n, __u32 choice)
{
	struct value value = {.number = n, .square = n * n, .rest = {n}};

	if (choice < 4)
		note(0, bpf_map_push_elem(&queue, &value, choice));
	else if (choice == 4)
		note(0, bpf_map_peek_elem(&queue, &value));
	else
		note(0, bpf_map_pop_elem(&queue, &value));
	note(0, value.number + value.square + value.rest[0]);
}

static void change_stack(__u32 n, __u32 choice)
{
	if (choice < 4)
		note(1, bpf_map_push_elem(&stack, &n, choice));
	else if (choice == 4)
		note(1, bpf_map_peek_elem(&stack, &n));
	else
		note(1, bpf_map_pop_elem(&stack, &n));
	note(1, n);
}

/* What was never added is mostly not there: that differs, as the seeds do. */
static void change_filter(__u64 n, __u32 choice)
{
	__u64 earlier = n / 2, key = 3;

	if (choice == 1)
		note(2, bpf_map_push_elem(&filter, &n, BPF_EXIST));
	if (choice == 2)
		note(2, bpf_map_push_elem(&filter, &n, BPF_NOEXIST));
	note(2, bpf_map_push_elem(&filter, &n, BPF_ANY));
	note(2, bpf_map_peek_elem(&filter, &earlier));
	earlier += 1ull << 40;
	if (bpf_map_peek_elem(&filter, &earlier)) {
		__u64 *absent = bpf_map_lookup_elem(&RESULTS, &key);

		if (absent)
			*absent += 1;
	}
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	__u64 n = ARGUMENT1(ctx);
	__u64 mixed = n * 0x9e3779b97f4a7c15ull >> 32;

	change_queue(n, mixed % 7);
	change_stack(n, mixed / 7 % 7);
	change_filter(n, mixed / 49 % 7);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
