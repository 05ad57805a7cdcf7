/*
 * Every call of `work` does something to the values that other processors have. What comes of it goes into a number for each
 * map: the same calls have to give the same numbers in the kernel, on whatever processor they are made.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

#define KEYS 13
#define PROCESSORS 4

struct value {
	__u64 number;
	__u32 square;
	__u8 rest[9];
};

#define MAP(TYPE, ENTRIES) \
	struct { \
		__uint(type, BPF_MAP_TYPE_##TYPE); \
		__uint(max_entries, ENTRIES); \
		__type(key, __u32); \
		__type(value, struct value); \
	}

MAP(PERCPU_ARRAY, KEYS - 3) array SEC(".maps");
MAP(PERCPU_HASH, KEYS) hash SEC(".maps");
MAP(LRU_PERCPU_HASH, 1000) lru SEC(".maps");

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

/* Whether it is the value that a processor has for the key, which it notes. */
static __always_inline __u32 is_of(__u32 which, void *map, __u32 key, __u32 processor, struct value *own)
{
	struct value *value = bpf_map_lookup_percpu_elem(map, &key, processor);

	note(which, value ? value->number + value->square + value->rest[8] : processor);
	return value && value == own;
}

static __always_inline void change(__u32 which, void *map, __u64 n, __u32 mixed)
{
	__u32 key = mixed % KEYS, processor = mixed / KEYS % PROCESSORS;
	struct value *value = bpf_map_lookup_percpu_elem(map, &key, processor), *own = bpf_map_lookup_elem(map, &key);
	__u32 owners = 0;

	note(which, !value + 2 * !own);
	if (value) {
		value->number += n;
		value->square = n * n;
		value->rest[8] = n;
	}
	note(which, !bpf_map_lookup_percpu_elem(map, &key, n << 32 | 1));
	note(which, !bpf_map_lookup_percpu_elem(map, &key, 8192));
	note(which, !bpf_map_lookup_percpu_elem(map, &key, -1));
	for (processor = 0; processor < PROCESSORS; processor++)
		owners += is_of(which, map, key, processor, own);
	note(which, owners);
}

/* A new element has no other value than the one of this processor, which is 0 too. */
static __always_inline void come_or_go(__u32 which, void *map, __u32 mixed)
{
	__u32 key = mixed / 100 % KEYS, choice = mixed / 2000 % 5;
	struct value value = {};

	if (choice < 2)
		note(which, bpf_map_update_elem(map, &key, &value, BPF_NOEXIST));
	else if (choice == 2)
		note(which, bpf_map_delete_elem(map, &key));
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	__u64 n = ARGUMENT1(ctx);
	__u32 mixed = n * 0x9e3779b97f4a7c15ull >> 32;

	change(0, &array, n, mixed);
	come_or_go(1, &hash, mixed);
	change(1, &hash, n, mixed);
	come_or_go(2, &lru, mixed);
	change(2, &lru, n, mixed);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
