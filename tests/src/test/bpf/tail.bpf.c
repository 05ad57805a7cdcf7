#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } RESULTS SEC(".maps");

int again(void *ctx);
int leaf(void *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __array(values, int(void *));
} PROGRAMS SEC(".maps") = { .values = {[0] = (void *)&again, [2] = (void *)&leaf} };

static __always_inline void result(__u32 at, __u64 value)
{
    __u64 *to = bpf_map_lookup_elem(&RESULTS, &at);
    if (to)
        *to += value;
}

/* The end of the chain: what 33 calls leave. */
SEC("uprobe") int leaf(void *ctx)
{
    (void)ctx;
    result(2, 1);
    return 0;
}

SEC("uprobe") int again(void *ctx)
{
    result(1, 1);
    bpf_tail_call(ctx, &PROGRAMS, 0);
    result(3, 1);
    return 0;
}

static __noinline int part(void *ctx)
{
    bpf_tail_call(ctx, &PROGRAMS, 2);
    result(0, 1000000);
    return 0;
}

SEC("uprobe") int on_call(void *ctx)
{
    bpf_tail_call(ctx, &PROGRAMS, 1);
    bpf_tail_call(ctx, &PROGRAMS, 9);
    result(0, 1);
    part(ctx);
    result(0, 1000);
    bpf_tail_call(ctx, &PROGRAMS, 0);
    result(0, 1000000);
    return 0;
}
char LICENSE[] SEC("license") = "GPL";
