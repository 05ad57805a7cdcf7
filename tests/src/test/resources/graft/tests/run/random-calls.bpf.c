/* Counts system calls by number, before and behind them; with DENY, lets four of them fail. */
#define __VMLINUX_H__ /* the kernel's names of registers */

#include <linux/bpf.h>

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

#include <bpf/bpf_helpers.h>

#define NUMBERS 512
#define OTHER 511
#define EACCES 13

struct counts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NUMBERS);
	__type(key, __u32);
	__type(value, __u64);
};

struct counts enters SEC(".maps"), exits SEC(".maps");

struct record {
	__u64 common;
	__s64 number;
};

static __always_inline void add(void *map, __s64 number)
{
	__u32 key = number >= 0 && number < OTHER ? number : OTHER;
	__u64 *count = bpf_map_lookup_elem(map, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
}

SEC("tracepoint/raw_syscalls/sys_enter")
int enter(struct record *ctx)
{
	add(&enters, ctx->number);
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_exit")
int leave(struct record *ctx)
{
	add(&exits, ctx->number);
	return 0;
}

#ifdef DENY
#define DENIED(name)                          \
	SEC("ksyscall/" #name)                \
	int deny_##name(struct pt_regs *ctx)  \
	{                                     \
		bpf_override_return(ctx, -EACCES); \
		return 0;                     \
	}

DENIED(sched_yield)
DENIED(geteuid)
DENIED(close)
DENIED(sched_get_priority_max)
#endif

char LICENSE[] SEC("license") = "Dual MIT/GPL";
