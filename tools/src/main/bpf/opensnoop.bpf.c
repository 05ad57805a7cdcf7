/* Files that processes open: how often, how often in vain, and the last descriptor or error. */
#include "files.h"

SEC("tracepoint/syscalls/sys_enter_open")
int open_enter(struct syscall_enter *ctx)
{
	return ask(ctx->arguments[0]);
}

SEC("tracepoint/syscalls/sys_exit_open")
int open_exit(struct syscall_exit *ctx)
{
	return answer(ctx->result);
}

SEC("tracepoint/syscalls/sys_enter_openat")
int openat_enter(struct syscall_enter *ctx)
{
	return ask(ctx->arguments[1]);
}

SEC("tracepoint/syscalls/sys_exit_openat")
int openat_exit(struct syscall_exit *ctx)
{
	return answer(ctx->result);
}

SEC("tracepoint/syscalls/sys_enter_openat2")
int openat2_enter(struct syscall_enter *ctx)
{
	return ask(ctx->arguments[1]);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int openat2_exit(struct syscall_exit *ctx)
{
	return answer(ctx->result);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
