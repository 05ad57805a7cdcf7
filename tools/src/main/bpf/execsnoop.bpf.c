/* Programs that processes try to execute: a program that succeeds is counted when it is asked for, for it never returns. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "snoop.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct file);
	__type(value, __u64);
} programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} failed SEC(".maps");

static __always_inline int asked(__u64 address)
{
	struct file file = {};
	__u64 one = 1;

	bpf_probe_read_user_str(file.path, PATH_BYTES, (void *)address);
	__u64 *count = bpf_map_lookup_elem(&programs, &file);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&programs, &file, &one, BPF_ANY);
	return 0;
}

static __always_inline int answered(__s64 result)
{
	__u32 first = 0;
	__u64 *count = bpf_map_lookup_elem(&failed, &first);

	if (count && result < 0)
		__sync_fetch_and_add(count, 1);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_execve")
int execve_enter(struct syscall_enter *ctx)
{
	return asked(ctx->arguments[0]);
}

SEC("tracepoint/syscalls/sys_exit_execve")
int execve_exit(struct syscall_exit *ctx)
{
	return answered(ctx->result);
}

SEC("tracepoint/syscalls/sys_enter_execveat")
int execveat_enter(struct syscall_enter *ctx)
{
	return asked(ctx->arguments[1]);
}

SEC("tracepoint/syscalls/sys_exit_execveat")
int execveat_exit(struct syscall_exit *ctx)
{
	return answered(ctx->result);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
