/*
 * Every call of `work` looks maps up in maps and does something to what it finds. What comes of it goes into a number: the same
 * calls have to give the same numbers in the kernel.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

struct numbers {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 5);
	__type(key, __u32);
	__type(value, __u64);
} even SEC(".maps"), odd SEC(".maps");

struct table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 7);
	__type(key, __u32);
	__type(value, __u64);
} small SEC(".maps");

struct large {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 300);
	__type(key, __u32);
	__type(value, __u64);
} large SEC(".maps");

struct waiting {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 3);
	__type(value, __u64);
} waiting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct numbers);
} arrays SEC(".maps") = {
	.values = {[0] = &even, [1] = &odd, [3] = &even},
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct table);
} tables SEC(".maps") = {
	.values = {[0] = &small, (void *)0, [2] = (void *)&large},
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct waiting);
} queues SEC(".maps") = {
	.values = {[1] = &waiting},
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} RESULTS SEC(".maps");

static void note(__u32 which, __u64 what)
{
	__u64 *sum = bpf_map_lookup_elem(&RESULTS, &which);

	if (sum)
		*sum = *sum * 31 + what;
}

static void change_array(__u64 n, __u32 which, __u32 index)
{
	void *map = bpf_map_lookup_elem(&arrays, &which);
	__u64 *number;

	if (!map) {
		note(0, 1);
		return;
	}
	number = bpf_map_lookup_elem(map, &index);
	if (number)
		*number += n;
	note(0, bpf_map_update_elem(map, &index, &n, n % 7 == 0 ? BPF_ANY : BPF_NOEXIST));
	note(0, bpf_map_delete_elem(map, &index));
}

static void change_table(__u64 n, __u32 which, __u32 key)
{
	void *map = bpf_map_lookup_elem(&tables, &which);
	__u64 *number;

	if (!map) {
		note(1, 2);
		return;
	}
	note(1, bpf_map_update_elem(map, &key, &n, n % 3));
	number = bpf_map_lookup_elem(map, &key);
	note(1, number ? *number : 3);
	if (n % 5 == 0)
		note(1, bpf_map_delete_elem(map, &key));
}

static void change_queue(__u64 n, __u32 which)
{
	void *map = bpf_map_lookup_elem(&queues, &which);

	if (!map) {
		note(2, 4);
		return;
	}
	note(2, n % 2 ? bpf_map_push_elem(map, &n, BPF_ANY) : bpf_map_pop_elem(map, &n));
	note(2, n);
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	__u64 n = ARGUMENT1(ctx);
	__u64 mixed = n * 0x9e3779b97f4a7c15ull >> 32;

	change_array(n, mixed % 5, mixed / 5 % 6);
	change_table(n, mixed % 4, mixed / 7 % 200);
	change_queue(n, mixed / 11 % 3);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
