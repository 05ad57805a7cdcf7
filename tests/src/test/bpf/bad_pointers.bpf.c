/* Reads what cannot be read, at each call, and counts what came of it: for each pointer and way of reading. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

#define SIZE 16
#define EFAULT 14
#define WAYS 2
#define OUTCOMES 4

/* What a read did: all bytes, EFAULT and zeros, EFAULT and something else, something else. */
enum { READ, FAULT, DIRTY_FAULT, OTHER };

/* [pointer][way][outcome] */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16 * WAYS * OUTCOMES);
	__type(key, __u32);
	__type(value, __u64);
} outcomes SEC(".maps");

static __always_inline void count(__u32 pointer, __u32 way, long result, long good, const __u64 *bytes)
{
	__u32 outcome = OTHER;
	__u64 *number;

	if (result == good)
		outcome = READ;
	else if (result == -EFAULT)
		outcome = bytes[0] || bytes[1] ? DIRTY_FAULT : FAULT;
	outcome += (pointer * WAYS + way) * OUTCOMES;
	number = bpf_map_lookup_elem(&outcomes, &outcome);
	if (number)
		__sync_fetch_and_add(number, 1);
}

static __always_inline void try(__u32 number, __u64 pointer)
{
	__u64 bytes[SIZE / 8] = { ~0ull, ~0ull };
	long result = bpf_probe_read_user(bytes, SIZE, (void *)pointer);

	count(number, 0, result, 0, bytes);
	/* A string of a good pointer may have any length: 1 stands for all. */
	bytes[0] = bytes[1] = ~0ull;
	result = bpf_probe_read_user_str(bytes, SIZE, (void *)pointer);
	count(number, 1, result > 0 ? 1 : result, 1, bytes);
}

SEC("uprobe")
int bad_pointers(struct pt_regs *ctx)
{
	try(0, 0);
	try(1, 8);
	try(2, 0xfff);
	try(3, 0x1000 - SIZE / 2);
	/* Not the last page of the address space: with probes of its own the kernel has a page there. */
	try(4, 0x123456789000);
	try(5, 0x7ffffffff000 + SIZE);
	try(6, 0x7ffffffff000);
	try(7, 0x800000000000);
	try(8, 0x8000000000000000);
	try(9, 0xffffffff81000000);
	try(10, ~0ull - SIZE / 2);
	try(11, ~0ull);
	try(12, ctx->rsp);
	try(13, ctx->rip);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
