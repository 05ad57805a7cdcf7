/* Prints what there is to print: at a function with texts, and of every kind of thread and process at a system call. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

#define MARK 0x40000000
#define CALLS 4096

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, long[16]);
} RESULTS SEC(".maps");

#define SAY(format, ...) ({ \
	static const char text[] = format; \
	long result = bpf_trace_printk(text, sizeof(text), ##__VA_ARGS__); \
	if (results) \
		results[index] = result; \
	index++; })

SEC("uprobe")
int on_probed(struct pt_regs *ctx)
{
	__u32 zero = 0, index = 0;
	long *results = bpf_map_lookup_elem(&RESULTS, &zero);
	__u64 three[3] = {1, -1, 0xabcdef};
	static const char many[] = "%d %lld %llx";

	SAY("nothing to fill in");
	SAY("%s", ctx->rdi);
	SAY("a long one: %s", ctx->rsi);
	SAY("not all of it can be read: %s, %s", ctx->rdx, ctx->rcx);
	SAY("");
	SAY("with its own end\n");
	SAY("\n");
	SAY("two\nlines\tand a tab");
	SAY("%700d%700d", 1, 2);
	SAY("na\xc3\xafve \xe2\x82\xac");
	SAY("100%% of %x", 255);
	SAY("%y is nothing", 1);
	SAY("%8000000d%8000000d", 3, 4);
	if (results)
		results[index++] = bpf_trace_vprintk(many, sizeof(many), three, sizeof(three));
	if (results)
		results[index] = bpf_trace_vprintk(many, sizeof(many), three, sizeof(*three));
	return 0;
}

/* Often, at another function. */
SEC("uprobe")
int on_parsed(struct pt_regs *ctx)
{
	static const char text[] = "%1000d";

	bpf_trace_printk(text, sizeof(text), 7);
	return 0;
}

struct call {
	__u64 common;
	long number;
	unsigned long arguments[6];
};

#ifdef TOKEN
SEC("tracepoint/syscalls/sys_enter_getsid")
int on_getsid(struct call *call)
{
	static const char text[] = TOKEN " %d by %llx";

	if (((__u32)call->arguments[0] & ~(CALLS - 1)) == MARK)
		bpf_trace_printk(text, sizeof(text), call->arguments[0] & (CALLS - 1), bpf_get_current_pid_tgid());
	return 0;
}
#endif

char LICENSE[] SEC("license") = "GPL";
