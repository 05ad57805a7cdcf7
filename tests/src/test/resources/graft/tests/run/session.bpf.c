// One program at the entry and the return of several functions, and two that look at many functions at once.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>
#include <linux/ptrace.h>

extern bool bpf_session_is_return(void) __ksym;
extern __u64 *bpf_session_cookie(void) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 7);
	__type(key, __u32);
	__type(value, __u64);
} sum SEC(".maps");

static __attribute__((noinline)) void add(__u32 index, __u64 value)
{
	__u64 *place = bpf_map_lookup_elem(&sum, &index);

	if (place)
		__sync_fetch_and_add(place, value);
}

SEC("uprobe.session/functions:work_*")
int every_call(struct pt_regs *ctx)
{
	__u64 *cookie = bpf_session_cookie();

	if (bpf_session_is_return()) {
		add(1, 1);
		add(2, *cookie);
		add(3, ctx->rax);
		return 0;
	}
	add(0, 1);
	*cookie = ctx->rdi * 3;
	return ctx->rdi % 3 == 0;
}

SEC("uprobe.multi/functions:/^work_(a|recursive)$/")
int entries(struct pt_regs *ctx)
{
	add(4, bpf_get_attach_cookie(ctx) + 1);
	return 0;
}

SEC("uretprobe.multi/functions:work_?")
int returns(struct pt_regs *ctx)
{
	add(5, ctx->rax);
	return 0;
}

SEC("?uprobe.multi")
int placed_by_hand(struct pt_regs *ctx)
{
	add(6, bpf_get_attach_cookie(ctx));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
