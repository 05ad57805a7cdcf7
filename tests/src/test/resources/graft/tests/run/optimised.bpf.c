/* One thread at a time. The callers of functions, a row for each run in the order of the runs. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

#define RUNS 400

struct run {
	char function;
	long bytes;
	__u64 addresses[40];
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

static int look(struct pt_regs *ctx, char function)
{
	__u32 zero = 0, *count = bpf_map_lookup_elem(&COUNT, &zero), row;
	struct run *run;

	if (!count)
		return 0;
	row = *count;
	*count = row + 1;
	run = bpf_map_lookup_elem(&RUN, &row);
	if (!run)
		return 0;
	run->function = function;
	run->bytes = bpf_get_stack(ctx, run->addresses, sizeof(run->addresses), BPF_F_USER_STACK);
	return 0;
}

#define LOOKS(name, section, function) \
	SEC(section) \
	int name(struct pt_regs *ctx) \
	{ \
		return look(ctx, function); \
	}

LOOKS(at_leaf, "uprobe", 'l')
LOOKS(at_last, "uprobe", 'j')
LOOKS(at_wrapped, "uprobe", 'w')
LOOKS(inside, "uprobe", 'i')
LOOKS(aligned, "uprobe", 'a')
LOOKS(behind_last, "uretprobe", 'J')
LOOKS(behind_wrapped, "uretprobe", 'W')

char LICENSE[] SEC("license") = "GPL";
