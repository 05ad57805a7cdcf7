/* One thread at a time. What the helpers that walk the stack give, a row for each run in the order of the runs. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

#define RUNS 300
#define USER BPF_F_USER_STACK

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1000);
	__uint(key_size, 4);
	__uint(value_size, 127 * 8);
} stacks SEC(".maps");

/* One bucket, which the first trace takes. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 3 * 8);
} few SEC(".maps");

struct run {
	long id, again, skipping, fast, few, few_reused, few_fast, far, kernel, unknown_flag;
	long bytes, skipped_bytes, all_skipped, kernel_bytes, odd_size, unknown_bytes;
	__u64 addresses[12];
	__u64 skipped[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RUNS);
	__type(key, __u32);
	__type(value, struct run);
} RUN SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} COUNT SEC(".maps");

static int look(struct pt_regs *ctx)
{
	__u32 zero = 0, *count = bpf_map_lookup_elem(&COUNT, &zero), row;
	struct run *run;
	__u64 rest[2];

	if (!count)
		return 0;
	row = *count;
	*count = row + 1;
	run = bpf_map_lookup_elem(&RUN, &row);
	if (!run)
		return 0;
	run->id = bpf_get_stackid(ctx, &stacks, USER);
	run->again = bpf_get_stackid(ctx, &stacks, USER | BPF_F_REUSE_STACKID);
	run->skipping = bpf_get_stackid(ctx, &stacks, USER | 2);
	run->fast = bpf_get_stackid(ctx, &stacks, USER | BPF_F_FAST_STACK_CMP);
	run->few = bpf_get_stackid(ctx, &few, USER);
	run->few_reused = bpf_get_stackid(ctx, &few, USER | BPF_F_REUSE_STACKID);
	run->few_fast = bpf_get_stackid(ctx, &few, USER | BPF_F_FAST_STACK_CMP | 1);
	run->far = bpf_get_stackid(ctx, &stacks, USER | 200);
	run->kernel = bpf_get_stackid(ctx, &stacks, 0);
	run->unknown_flag = bpf_get_stackid(ctx, &stacks, USER | BPF_F_USER_BUILD_ID);
	run->bytes = bpf_get_stack(ctx, run->addresses, sizeof(run->addresses), USER);
	run->skipped_bytes = bpf_get_stack(ctx, run->skipped, sizeof(run->skipped), USER | 1);
	run->all_skipped = bpf_get_stack(ctx, rest, sizeof(rest), USER | 130);
	run->kernel_bytes = bpf_get_stack(ctx, rest, sizeof(rest), 0);
	run->odd_size = bpf_get_stack(ctx, rest, 9, USER);
	run->unknown_bytes = bpf_get_stack(ctx, rest, sizeof(rest), USER | 1 << 20);
	return 0;
}

#define LOOKS(name, section) \
	SEC(section) \
	int name(struct pt_regs *ctx) \
	{ \
		return look(ctx); \
	}

LOOKS(at_leaf, "uprobe")
LOOKS(at_middle, "uprobe")
LOOKS(at_bare, "uprobe")
LOOKS(at_astray, "uprobe")
LOOKS(at_marked, "uprobe")
LOOKS(inside, "uprobe")
LOOKS(behind_leaf, "uretprobe")
LOOKS(behind_jumps, "uretprobe")
LOOKS(behind_last, "uretprobe")

char LICENSE[] SEC("license") = "GPL";
