/* Lets opening /proc/self/comm fail, and getppid always. */
#define __VMLINUX_H__ /* the kernel's names of registers */

#include <linux/bpf.h>

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define EACCES 13
#define EPERM 1

SEC("ksyscall/openat")
int BPF_KSYSCALL(closed, int folder, const char *path)
{
	char begin[16] = {};

	bpf_probe_read_user_str(begin, sizeof begin, path);
	if (!bpf_strncmp(begin, 15, "/proc/self/comm"))
		bpf_override_return(ctx, -EACCES);
	return 0;
}

SEC("ksyscall/getppid")
int orphaned(struct pt_regs *ctx)
{
	bpf_override_return(ctx, -EPERM);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
