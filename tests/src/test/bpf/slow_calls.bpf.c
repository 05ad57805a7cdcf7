/*
 * Before each system call of all threads but the first, a wait in the code around the call.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define WAIT_NANOS 50000000

/* Graft's own (graft.ebpf.helper.Helper). */
static long (*bpf_delay)(__u64 nanos) = (void *)0x10001;

SEC("tracepoint/raw_syscalls/sys_enter")
int wait(void *ctx __attribute__((unused)))
{
	__u64 id = bpf_get_current_pid_tgid();

	if ((__u32)id != id >> 32)
		bpf_delay(WAIT_NANOS);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
