/* Who makes a call, by its number; the calls of others do not have the mark. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define MARK 0x40000000
#define CALLS 4096

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CALLS);
	__type(key, __u32);
	__type(value, __u64);
} NUMBERS SEC(".maps");

/* Its locks have owners. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CALLS);
	__type(key, __u32);
	__type(value, __u64);
} HASHED SEC(".maps");

#ifdef KEPT
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} KEPT_BY SEC(".maps");
#endif

struct call {
	__u64 common;
	long number;
	unsigned long arguments[6];
};

SEC("tracepoint/syscalls/sys_enter_getsid")
int on_getsid(struct call *call)
{
	__u32 index = call->arguments[0] & (CALLS - 1);
	__u64 *number, id = bpf_get_current_pid_tgid();

	if (((__u32)call->arguments[0] & ~(CALLS - 1)) != MARK)
		return 0;
#ifdef KEPT
	__u64 *kept = bpf_task_storage_get(&KEPT_BY, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!kept || *kept)
		id = 0;
	else
		*kept = 1;
#endif
#ifdef DEVICE
	struct bpf_pidns_info info;
	id = bpf_get_ns_current_pid_tgid(DEVICE, call->arguments[0] >> 32, &info, sizeof(info));
	if (!id)
		id = (__u64)info.tgid << 32 | info.pid;
#endif
	bpf_map_update_elem(&HASHED, &index, &id, BPF_ANY);
	number = bpf_map_lookup_elem(&NUMBERS, &index);
	if (number)
		*number = id;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
