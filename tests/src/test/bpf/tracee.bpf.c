/*
 * Programs that count calls per attach point, whose cookie is its number: one that needs little, and one that needs
 * all that a program may need, so that its thunk saves and stores as much as thunks do.
 * The others count calls per process and per name of a thread.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

#define POINTS 256

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POINTS);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

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

static __always_inline void add(void *ctx)
{
	__u32 point = (__u32)bpf_get_attach_cookie(ctx);
	__u64 *count = bpf_map_lookup_elem(&counts, &point);

	if (count)
		__sync_fetch_and_add(count, 1);
}

SEC("uprobe")
int little(struct pt_regs *ctx)
{
	add(ctx);
	return 0;
}

SEC("uprobe")
int much(struct pt_regs *ctx)
{
	struct sight sight = { .words = { ctx->rax, ctx->rbx, ctx->rcx, ctx->rdx, ctx->rsi, ctx->rdi, ctx->rbp, ctx->r8,
		ctx->r9, ctx->r10, ctx->r11, ctx->r12, ctx->r13, ctx->r14, ctx->r15 } };
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_get_current_comm(sight.comm, sizeof(sight.comm));
	bpf_probe_read_user(sight.stack, sizeof(sight.stack), (void *)ctx->rsp);
	bpf_map_update_elem(&sights, &thread, &sight, BPF_ANY);
	bpf_map_delete_elem(&sights, &thread);
	add(ctx);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} processes SEC(".maps");

SEC("uprobe")
int by_process(struct pt_regs *ctx)
{
	__u64 process = bpf_get_current_pid_tgid() >> 32, one = 1;
	__u64 *count = bpf_map_lookup_elem(&processes, &process);

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&processes, &process, &one, BPF_ANY);
	add(ctx);
	return 0;
}

struct name {
	char text[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct name);
	__type(value, __u64);
} names SEC(".maps");

SEC("uprobe")
int by_name(void)
{
	struct name name = {};
	__u64 one = 1, *count;

	bpf_get_current_comm(name.text, sizeof(name.text));
	count = bpf_map_lookup_elem(&names, &name);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&names, &name, &one, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
