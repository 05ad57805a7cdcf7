/*
 * Every call of `work` changes the parts of a value of an array and of a hash together, under the value's lock or, now and then, by
 * an update with BPF_F_LOCK. Whoever finds parts that do not belong together counts that.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

#define PARTS 9

struct value {
	__u64 changes;
	struct bpf_spin_lock lock;
	__u32 torn;
	__u64 parts[PARTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct value);
} ARRAY SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u64);
	__type(value, struct value);
} HASH SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} RESULTS SEC(".maps");

/* For those who take its lock without a program. */
struct word {
	struct bpf_spin_lock lock;
	__u64 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct word);
} WORDS SEC(".maps");

static void change(struct value *value)
{
	bpf_spin_lock(&value->lock);
	value->changes++;
	for (int i = 1; i < PARTS; i++)
		value->torn += value->parts[i] != value->parts[0];
	for (int i = 0; i < PARTS; i++)
		value->parts[i]++;
	bpf_spin_unlock(&value->lock);
}

static void result(__u32 which, long what)
{
	__u64 *to = bpf_map_lookup_elem(&RESULTS, &which);

	if (to)
		*to = what;
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	__u64 n = ARGUMENT1(ctx), key = 3, other = 4;
	__u32 zero = 0;
	struct value *in_array = bpf_map_lookup_elem(&ARRAY, &zero);
	struct value *in_hash = bpf_map_lookup_elem(&HASH, &key);
	struct value fresh = {};

	if (in_array)
		change(in_array);
	if (in_hash)
		change(in_hash);
	else
		bpf_map_update_elem(&HASH, &key, &fresh, BPF_NOEXIST);
	for (int i = 0; i < PARTS; i++)
		fresh.parts[i] = n;
	result(0, bpf_map_update_elem(&HASH, &other, &fresh, BPF_F_LOCK));
	result(1, bpf_map_update_elem(&HASH, &other, &fresh, BPF_F_LOCK | BPF_NOEXIST));
	result(2, bpf_map_update_elem(&RESULTS, &zero, &n, BPF_F_LOCK));
	in_hash = bpf_map_lookup_elem(&HASH, &other);
	if (in_hash)
		change(in_hash);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
