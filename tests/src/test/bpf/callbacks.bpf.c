#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } RESULTS SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 5); __type(key, __u32); __type(value, __u64); } NUMBERS SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u64); __type(value, __u64); } TABLE SEC(".maps");

struct sum { __u64 total; __u64 limit; };

static void result(__u32 at, __u64 value)
{
    __u64 *to = bpf_map_lookup_elem(&RESULTS, &at);
    if (to)
        *to += value;
}

static long square(__u32 index, void *context)
{
    struct sum *sum = context;
    sum->total += (__u64)index * index;
    return index + 1 == sum->limit;
}

static long add(void *map, __u32 *key, __u64 *value, void *context)
{
    (void)map;
    struct sum *sum = context;
    *value += *key;
    sum->total += *value;
    return 0;
}

static long empties(void *map, __u64 *key, __u64 *value, void *context)
{
    (void)map;
    struct sum *sum = context;
    sum->total += *key + *value;
    __u64 own = *key;
    if (own & 1)
        bpf_map_delete_elem(&TABLE, &own);
    return sum->total > sum->limit;
}

SEC("uprobe") int on_call(void *ctx)
{
    (void)ctx;
    struct sum sum = {0, 7};
    result(0, bpf_loop(100, square, &sum, 0));
    result(1, sum.total);
    sum.total = 0;
    result(2, bpf_for_each_map_elem(&NUMBERS, add, &sum, 0));
    result(3, sum.total);
    for (__u64 key = 1; key <= 10; key++)
        bpf_map_update_elem(&TABLE, &key, &key, BPF_ANY);
    sum.total = 0;
    sum.limit = 1000;
    result(4, bpf_for_each_map_elem(&TABLE, empties, &sum, 0));
    result(5, sum.total);
    sum.total = 0;
    result(6, bpf_for_each_map_elem(&TABLE, empties, &sum, 0));
    result(7, bpf_for_each_map_elem(&TABLE, empties, &sum, 1));
    return 0;
}
char LICENSE[] SEC("license") = "GPL";
