/*
 * Programs for every function of a process: two that count, and two that also read all general registers and use a map,
 * so that their thunks save and store as much as thunks do.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

enum { ENTRIES, RETURNS };

/* By event. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

struct sight {
	__u64 words[15];
	char comm[16];
	char stack[32];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct sight);
} sights SEC(".maps");

static __always_inline int count(__u32 event)
{
	__u64 *number = bpf_map_lookup_elem(&calls, &event);

	if (number)
		__sync_fetch_and_add(number, 1);
	return 0;
}

static __always_inline int look(struct pt_regs *ctx, __u32 event)
{
	struct sight sight = { .words = { ctx->rax, ctx->rbx, ctx->rcx, ctx->rdx, ctx->rsi, ctx->rdi, ctx->rbp, ctx->r8,
		ctx->r9, ctx->r10, ctx->r11, ctx->r12, ctx->r13, ctx->r14, ctx->r15 } };
	__u64 thread = bpf_get_current_pid_tgid() * 2 + event;

	bpf_get_current_comm(sight.comm, sizeof(sight.comm));
	bpf_probe_read_user(sight.stack, sizeof(sight.stack), (void *)ctx->rsp);
	bpf_map_update_elem(&sights, &thread, &sight, BPF_ANY);
	bpf_map_delete_elem(&sights, &thread);
	return count(event);
}

SEC("uprobe")
int little_entry(void *unused __attribute__((unused)))
{
	return count(ENTRIES);
}

SEC("uretprobe")
int little_return(void *unused __attribute__((unused)))
{
	return count(RETURNS);
}

SEC("uprobe")
int much_entry(struct pt_regs *ctx)
{
	return look(ctx, ENTRIES);
}

SEC("uretprobe")
int much_return(struct pt_regs *ctx)
{
	return look(ctx, RETURNS);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
