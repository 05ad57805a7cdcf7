/*
 * Every call of `work` puts prefixes into a trie, takes others out, and looks others up. What comes of it goes into a number: the
 * same calls have to give the same number in the kernel.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

#define STEPS 8

struct key {
	__u32 bits;
	__u8 bytes[5];
	__u8 end[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 60);
	__uint(key_size, 9);
	__uint(value_size, 12);
} trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} RESULTS SEC(".maps");

static void note(__u32 which, __u64 what)
{
	__u64 *sum = bpf_map_lookup_elem(&RESULTS, &which);

	if (sum)
		*sum = *sum * 31 + what;
}

/* Few beginnings, so that prefixes contain each other. */
static struct key chosen(__u64 number)
{
	struct key key = {.bits = number % 42};

	key.bytes[0] = number >> 8 & 3;
	key.bytes[1] = number >> 10 & 0x81;
	key.bytes[2] = number >> 18 & 0x11;
	key.bytes[4] = number >> 26 & 1;
	return key;
}

static void step(__u64 number)
{
	struct key key = chosen(number);
	__u32 value[3] = {number, number >> 8, number >> 16};
	__u32 *found;

	switch (number >> 40 & 7) {
	case 0:
	case 1:
	case 2:
		note(0, bpf_map_update_elem(&trie, &key, value, number >> 43 & 3));
		break;
	case 3:
	case 4:
		note(0, bpf_map_delete_elem(&trie, &key));
		break;
	default:
		found = bpf_map_lookup_elem(&trie, &key);
		note(1, found ? found[0] + found[1] + found[2] : 7);
	}
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	__u64 number = ARGUMENT1(ctx) * STEPS;

	for (int i = 0; i < STEPS; i++)
		step((number + i + 1) * 0x9e3779b97f4a7c15ull >> 8);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
