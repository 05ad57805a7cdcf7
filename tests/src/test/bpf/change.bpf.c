/*
 * Programs that change the function they run in, and programs that look on. Places are known by their cookies.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

#define POINTS 32
#define GAIN 1000000

struct sum {
	__u64 calls;
	__u64 rax;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POINTS);
	__type(key, __u32);
	__type(value, struct sum);
} sums SEC(".maps");

static __always_inline void add(struct pt_regs *ctx)
{
	__u32 point = (__u32)bpf_get_attach_cookie(ctx);
	struct sum *sum = bpf_map_lookup_elem(&sums, &point);

	if (!sum)
		return;
	__sync_fetch_and_add(&sum->calls, 1);
	__sync_fetch_and_add(&sum->rax, ctx->rax);
}

/* Leaves the function when its argument is odd. */
SEC("uprobe")
int leave(struct pt_regs *ctx)
{
	if (ctx->rdi & 1)
		bpf_override_return(ctx, ctx->rdi + GAIN);
	return 0;
}

/* Replaces the function. */
SEC("uprobe")
int replace(struct pt_regs *ctx)
{
	bpf_override_return(ctx, 2 * ctx->rdi);
	return 0;
}

SEC("uprobe")
int entered(struct pt_regs *ctx)
{
	add(ctx);
	return 0;
}

SEC("uretprobe")
int returned(struct pt_regs *ctx)
{
	add(ctx);
	return 0;
}

/* Another argument, which is as odd as before. */
SEC("uprobe")
int argument(struct pt_regs *ctx)
{
	ctx->rdi += 1000;
	return 0;
}

SEC("uretprobe")
int result(struct pt_regs *ctx)
{
	ctx->rax -= 2000;
	return 0;
}

/* A register that the caller of a function keeps something in. */
SEC("uprobe")
int others_register(struct pt_regs *ctx)
{
	ctx->rbx = 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
