/* What programs read of the thread's task, a row for each call. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
	int pid, tgid;
	unsigned int flags;
	struct task_struct *real_parent, *group_leader;
	char comm[16];
} __attribute__((preserve_access_index));

struct row {
	int first, tgid;
	int leader, leaders_tgid, leaders_leader, parent, parents_leader, parents_leaders_tgid, by_type;
	char comm[16], text[20], end[4], cut[4];
	long text_length, end_length, cut_length, other_flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 40);
	__type(key, __u32);
	__type(value, struct row);
} ROW SEC(".maps");

struct other {
	long flags_result, behind_result;
	__u64 flags, behind;
};

/* Of what a process does not know. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct other);
} OTHER SEC(".maps");

__u32 rows;

static void read_other(const struct task_struct *task)
{
	__u32 zero = 0;
	struct other *other = bpf_map_lookup_elem(&OTHER, &zero);

	if (!other)
		return;
	other->flags = other->behind = ~0ull;
	other->flags_result = bpf_probe_read_kernel(&other->flags, sizeof(__u32), &task->flags);
	other->behind_result = bpf_probe_read_kernel(&other->behind, sizeof(__u64), &task->comm[12]);
}

static void read(struct row *row, const struct task_struct *task)
{
	row->first = BPF_CORE_READ(task, pid) == (int)bpf_get_current_pid_tgid();
	row->tgid = BPF_CORE_READ(task, tgid);
	row->leader = BPF_CORE_READ(task, group_leader, pid);
	row->leaders_tgid = BPF_CORE_READ(task, group_leader, tgid);
	row->leaders_leader = BPF_CORE_READ(task, group_leader, group_leader, pid);
#ifndef OTHER_NAMESPACE
	row->parent = BPF_CORE_READ(task, real_parent, tgid);
	row->parents_leader = BPF_CORE_READ(task, real_parent, group_leader, pid);
	row->parents_leaders_tgid = BPF_CORE_READ(task, real_parent, group_leader, tgid);
#endif
	bpf_probe_read_kernel(row->comm, sizeof(row->comm), &task->comm);
	row->text_length = bpf_probe_read_kernel_str(row->text, sizeof(row->text), &task->comm);
	row->end_length = bpf_probe_read_kernel(row->end, sizeof(row->end), &task->comm[12]);
	row->cut_length = bpf_probe_read_kernel_str(row->cut, sizeof(row->cut), &task->comm[1]);
}

#ifdef SLEEPS
#define SECTION "uprobe.s"
#else
#define SECTION "uprobe"
#endif

SEC(SECTION)
int on_probed(struct pt_regs *ctx)
{
	__u32 index = rows++;
	struct row *row = bpf_map_lookup_elem(&ROW, &index);
	struct task_struct *task = bpf_get_current_task_btf();

	if (!row)
		return 0;
	read(row, (const struct task_struct *)bpf_get_current_task());
	read_other((const struct task_struct *)bpf_get_current_task());
	bpf_probe_read_kernel(&row->by_type, sizeof(row->by_type), &task->tgid);
#ifdef SLEEPS
	row->text_length = bpf_copy_from_user_task(row->text, sizeof(row->text), (const void *)ctx->rdi, task, 0);
	row->end_length = bpf_copy_from_user_task(row->end, 0, (const void *)ctx->rdi, task, 0);
	row->other_flags = bpf_copy_from_user_task(row->end, sizeof(row->end), (const void *)ctx->rdi, task, 1);
#endif
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
