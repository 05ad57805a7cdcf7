/* What the clocks say in a program at getppid. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} CLOCKS SEC(".maps");

static void put(__u32 key, __u64 value)
{
	bpf_map_update_elem(&CLOCKS, &key, &value, BPF_ANY);
}

SEC("tracepoint/syscalls/sys_enter_getppid")
int look(void *ctx)
{
	(void)ctx;
	put(0, bpf_ktime_get_ns());
	put(1, bpf_ktime_get_boot_ns());
	put(2, bpf_ktime_get_tai_ns());
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
