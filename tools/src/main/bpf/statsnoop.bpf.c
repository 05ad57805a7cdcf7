/* Files whose metadata processes ask for: how often, how often in vain, and the last result. */
#include "files.h"

SEC("tracepoint/syscalls/sys_enter_newstat")
int stat_enter(struct syscall_enter *ctx)
{
	return ask(ctx->arguments[0]);
}

SEC("tracepoint/syscalls/sys_exit_newstat")
int stat_exit(struct syscall_exit *ctx)
{
	return answer(ctx->result);
}

SEC("tracepoint/syscalls/sys_enter_newlstat")
int lstat_enter(struct syscall_enter *ctx)
{
	return ask(ctx->arguments[0]);
}

SEC("tracepoint/syscalls/sys_exit_newlstat")
int lstat_exit(struct syscall_exit *ctx)
{
	return answer(ctx->result);
}

SEC("tracepoint/syscalls/sys_enter_newfstatat")
int fstatat_enter(struct syscall_enter *ctx)
{
	return ask(ctx->arguments[1]);
}

SEC("tracepoint/syscalls/sys_exit_newfstatat")
int fstatat_exit(struct syscall_exit *ctx)
{
	return answer(ctx->result);
}

SEC("tracepoint/syscalls/sys_enter_statx")
int statx_enter(struct syscall_enter *ctx)
{
	return ask(ctx->arguments[1]);
}

SEC("tracepoint/syscalls/sys_exit_statx")
int statx_exit(struct syscall_exit *ctx)
{
	return answer(ctx->result);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
