/* What the helpers say, a row for each call. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

struct row {
	__u64 process, first_thread_of;
	__u64 ids;
	__u32 cpu, node;
	char comm[16], short_comm[5];
	long comm_result, bytes, text_length, short_length, none, ordered, between;
	long good, other_inode, other_device, wide_device, wide_inode, half;
	__u32 own_process, own_thread, cleared, kept;
	char text[32], short_text[4], eight[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 40);
	__type(key, __u32);
	__type(value, struct row);
} ROW SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} COUNT SEC(".maps");

__u64 last;

#ifdef SLEEPS
#define SECTION "uprobe.s"
#define READ bpf_copy_from_user
#else
#define SECTION "uprobe"
#define READ bpf_probe_read_user
#endif

static void ask_numbers(struct row *row, __u64 thread, const __u64 *namespace)
{
	struct bpf_pidns_info info = {1, 1};

	row->good = bpf_get_ns_current_pid_tgid(namespace[0], namespace[1], &info, sizeof(info));
	row->own_process = info.tgid;
	row->own_thread = info.pid == (__u32)thread;
	row->other_inode = bpf_get_ns_current_pid_tgid(namespace[0], namespace[1] + 1, &info, sizeof(info));
	row->cleared = info.pid | info.tgid;
	row->other_device = bpf_get_ns_current_pid_tgid(namespace[0] + 1, namespace[1], &info, sizeof(info));
	row->wide_device = bpf_get_ns_current_pid_tgid(namespace[0] | 1ull << 32, namespace[1], &info, sizeof(info));
	row->wide_inode = bpf_get_ns_current_pid_tgid(namespace[0], namespace[1] | 1ull << 32, &info, sizeof(info));
	info.tgid = 7;
	row->half = bpf_get_ns_current_pid_tgid(namespace[0], namespace[1], &info, sizeof(info) / 2);
	row->kept = info.tgid;
}

SEC(SECTION)
int on_probed(struct pt_regs *ctx)
{
	__u32 zero = 0, *count = bpf_map_lookup_elem(&COUNT, &zero), index;
	const char *text = (const char *)ctx->rdi;
	__u64 begin = bpf_ktime_get_ns(), boot = bpf_ktime_get_boot_ns();
	__u64 before = ctx->rsi, tai = bpf_ktime_get_tai_ns(), earlier = last;
	__u64 namespace[2] = {};
	struct row *row;

	if (!count)
		return 0;
	index = *count;
	*count = index + 1;
	row = bpf_map_lookup_elem(&ROW, &index);
	if (!row)
		return 0;
	row->process = bpf_get_current_pid_tgid() >> 32;
	row->first_thread_of = (__u32)bpf_get_current_pid_tgid() == row->process;
	row->ids = bpf_get_current_uid_gid();
	row->cpu = bpf_get_smp_processor_id();
	row->node = bpf_get_numa_node_id();
	row->comm_result = bpf_get_current_comm(row->comm, sizeof(row->comm));
	bpf_get_current_comm(row->short_comm, sizeof(row->short_comm));
	row->bytes = READ(row->eight, sizeof(row->eight), text);
	row->text_length = bpf_probe_read_user_str(row->text, sizeof(row->text), text);
	row->short_length = bpf_probe_read_user_str(row->short_text, sizeof(row->short_text), text);
	row->none = READ(row->eight, 0, text);
	row->ordered = bpf_ktime_get_ns() >= begin && bpf_ktime_get_boot_ns() >= boot && boot >= begin;
	bpf_probe_read_user(namespace, sizeof(namespace), (const void *)ctx->rdx); /* the beginning of struct stat */
	ask_numbers(row, ctx->rcx, namespace);
	row->between = earlier <= before && before <= tai;
	last = tai;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
