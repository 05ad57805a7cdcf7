/*
 * Counts system calls by number: before and behind each, by raw tracepoints and by ordinary ones. Calls whose registers are
 * not what the other context says are counted under number 511, and numbers that no call has under 510.
 */
#define __TARGET_ARCH_x86
#define __VMLINUX_H__ /* the kernel's names of registers */

#include <linux/bpf.h>

#include "registers.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* libbpf's macros hand the context on to everybody. */
#pragma clang diagnostic ignored "-Wunused-parameter"

#define NUMBERS 512
#define OTHER 510
#define WRONG 511

struct counts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NUMBERS);
	__type(key, __u32);
	__type(value, __u64);
};

struct counts enters SEC(".maps"), exits SEC(".maps"), records SEC(".maps"), results SEC(".maps"), named SEC(".maps");

struct enter_record {
	__u64 common;
	__s64 number;
	__u64 args[6];
};

struct exit_record {
	__u64 common;
	__s64 number;
	__s64 result;
};

/* At the tracepoints of one call the number is an int. */
struct named_record {
	__u64 common;
	__s32 number;
};

struct named_exit_record {
	__u64 common;
	__s32 number;
	__s64 result;
};

static __always_inline void add(void *map, __s64 number)
{
	__u32 key = (number >= 0 && number < OTHER) || number == WRONG ? number : OTHER;
	__u64 *count = bpf_map_lookup_elem(map, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
}

SEC("raw_tp/sys_enter")
int raw_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs regs;
	__s64 number = ctx->args[1];

	bpf_probe_read_kernel(&regs, sizeof regs, (void *)ctx->args[0]);
	add(&enters, (__s64)regs.orig_ax == number && (__s64)regs.ax == -38 ? number : WRONG);
	return 0;
}

SEC("raw_tp/sys_exit")
int raw_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs regs;

	bpf_probe_read_kernel(&regs, sizeof regs, (void *)ctx->args[0]);
	add(&exits, regs.ax == ctx->args[1] ? regs.orig_ax : WRONG);
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int enter(struct enter_record *ctx)
{
	add(&records, ctx->number);
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_exit")
int leave(struct exit_record *ctx)
{
	add(&results, ctx->number);
	return 0;
}

/* Its number is in a register where the C library's syscall() makes it. */
SEC("tracepoint/syscalls/sys_enter_getppid")
int enter_named(struct named_record *ctx)
{
	add(&named, ctx->number == 110? 0 : WRONG);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_getppid")
int exit_named(struct named_exit_record *ctx)
{
	add(&named, ctx->number == 110&& ctx->result >= 0 ? 1 : WRONG);
	return 0;
}

SEC("ksyscall/lseek")
int BPF_KSYSCALL(enter_function, int fd, long offset, int whence)
{
	add(&named, fd == -7 && offset == 0x123456789a && whence == 3 ? 2 : WRONG);
	return 0;
}

SEC("kretsyscall/lseek")
int BPF_KRETPROBE(exit_function, long result)
{
	add(&named, result == -9 ? 3 : WRONG);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
