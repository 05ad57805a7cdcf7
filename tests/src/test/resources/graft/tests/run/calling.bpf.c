/* The stacks of one system call, for programs of every type at it; rows of each type in the order of the calls. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

#define NUMBER 146 /* sched_get_priority_max, which nobody calls by the way */
#define RUNS 40
#define USER BPF_F_USER_STACK

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1000);
	__uint(key_size, 4);
	__uint(value_size, 127 * 8);
} stacks SEC(".maps");

struct run {
	long id, skipping, bytes, kernel_bytes;
	__u64 addresses[20];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 6 * RUNS);
	__type(key, __u32);
	__type(value, struct run);
} RUN SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 6);
	__type(key, __u32);
	__type(value, __u32);
} COUNT SEC(".maps");

static __always_inline int look(void *ctx, __u32 type)
{
	__u32 *count = bpf_map_lookup_elem(&COUNT, &type), row;
	struct run *run;
	__u64 rest[2];

	if (!count || *count >= RUNS)
		return 0;
	row = type * RUNS + *count;
	*count += 1;
	run = bpf_map_lookup_elem(&RUN, &row);
	if (!run)
		return 0;
	run->id = bpf_get_stackid(ctx, &stacks, USER);
	run->skipping = bpf_get_stackid(ctx, &stacks, USER | 2);
	run->bytes = bpf_get_stack(ctx, run->addresses, sizeof(run->addresses), USER);
	run->kernel_bytes = bpf_get_stack(ctx, rest, sizeof(rest), USER | 130);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_sched_get_priority_max")
int enter(void *ctx)
{
	return look(ctx, 0);
}

SEC("tracepoint/syscalls/sys_exit_sched_get_priority_max")
int leave(void *ctx)
{
	return look(ctx, 1);
}

SEC("raw_tp/sys_enter")
int enter_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[1] == NUMBER ? look(ctx, 2) : 0;
}

SEC("raw_tp/sys_exit")
int leave_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (void *)ctx->args[0];
	unsigned long number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), (char *)regs + 15 * 8);
	return number == NUMBER ? look(ctx, 3) : 0;
}

SEC("ksyscall/sched_get_priority_max")
int enter_wrapped(struct pt_regs *ctx)
{
	return look(ctx, 4);
}

SEC("kretsyscall/sched_get_priority_max")
int leave_wrapped(struct pt_regs *ctx)
{
	return look(ctx, 5);
}

char LICENSE[] SEC("license") = "GPL";
