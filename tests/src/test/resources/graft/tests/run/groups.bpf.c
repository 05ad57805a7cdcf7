/* In which control group a call is made, by the call's number; the calls of others do not have the mark. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define MARK 0x40000000
#define CALLS 4096
#define LEVELS 8
#define SLOTS 8

struct where {
	__u64 id, ancestors[LEVELS], below, negative;
	__s64 under[SLOTS], empty, outside;
	__u32 class, filtered;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CALLS);
	__type(key, __u32);
	__type(value, struct where);
} WHERE SEC(".maps");

/* The last one stays empty. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, SLOTS + 1);
	__type(key, __u32);
	__type(value, __u32);
} cgroup_map SEC(".maps");

const volatile int filter_cg = 1;

/* As the tools of libbpf have it. */
static int is_wanted(void)
{
	if (filter_cg && !bpf_current_task_under_cgroup(&cgroup_map, 0))
		return 0;
	return 1;
}

struct call {
	__u64 common;
	long number;
	unsigned long arguments[6];
};

SEC("tracepoint/syscalls/sys_enter_getsid")
int on_getsid(struct call *call)
{
	__u32 index = call->arguments[0] & (CALLS - 1);
	struct where *where;

	if (((__u32)call->arguments[0] & ~(CALLS - 1)) != MARK)
		return 0;
	where = bpf_map_lookup_elem(&WHERE, &index);
	if (!where)
		return 0;
	where->id = bpf_get_current_cgroup_id();
	for (int level = 0; level < LEVELS; level++)
		where->ancestors[level] = bpf_get_current_ancestor_cgroup_id(level);
	where->below = bpf_get_current_ancestor_cgroup_id(1 << 30);
	where->negative = bpf_get_current_ancestor_cgroup_id(-1);
	for (int slot = 0; slot < SLOTS; slot++)
		where->under[slot] = bpf_current_task_under_cgroup(&cgroup_map, slot);
	where->empty = bpf_current_task_under_cgroup(&cgroup_map, SLOTS);
	where->outside = bpf_current_task_under_cgroup(&cgroup_map, SLOTS + 1);
	where->class = bpf_get_cgroup_classid((void *)call);
	where->filtered = 1 + is_wanted();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
