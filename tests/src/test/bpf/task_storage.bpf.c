/*
 * Every call of `work` does something to what its thread has in two maps. What comes of it goes into sums, which do not depend on
 * the order of threads: the same calls have to give the same sums in the kernel.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

#define CREATE BPF_LOCAL_STORAGE_GET_F_CREATE

struct task_struct;

struct value {
	__u64 calls;
	__u32 last;
	__u8 rest[21];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct value);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} number SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} RESULTS SEC(".maps");

static void note(__u32 which, __u64 n, __u64 what)
{
	__u64 *sum = bpf_map_lookup_elem(&RESULTS, &which);

	if (sum)
		__sync_fetch_and_add(sum, (what ^ n << 32) * 0x9e3779b97f4a7c15ull >> 16);
}

static void count(struct task_struct *task, __u64 n)
{
	struct value *value = bpf_task_storage_get(&seen, task, 0, 0);

	note(0, n, value ? value->calls * 31 + value->last + value->rest[20] : 7);
	value = bpf_task_storage_get(&seen, task, 0, CREATE);
	if (value) {
		value->calls++;
		value->last = n;
		value->rest[20] = n;
		note(0, n, value->calls);
	}
}

static void begin_with(struct task_struct *task, __u64 n, __u64 choice)
{
	__u32 first = n + 5, *value;

	value = bpf_task_storage_get(&number, task, &first, choice == 1 ? 0 : CREATE);
	note(1, n, value ? *value : 9);
	if (choice == 2) {
		note(1, n, bpf_task_storage_delete(&number, task));
		note(1, n, bpf_task_storage_delete(&number, task));
		value = bpf_task_storage_get(&number, task, 0, CREATE);
		note(1, n, value ? *value : 11);
	}
}

static void mistake(struct task_struct *task, __u64 n)
{
	note(2, n, bpf_task_storage_get(&seen, task, 0, 2) ? 1 : 2);
	note(2, n, bpf_task_storage_get(&seen, task, 0, 1ull << 32 | CREATE) ? 1 : 2);
	note(2, n, bpf_task_storage_get(&seen, 0, 0, CREATE) ? 1 : 2);
	note(2, n, bpf_task_storage_delete(&seen, 0));
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 n = ARGUMENT1(ctx);
	__u64 choice = (n * 0x9e3779b97f4a7c15ull >> 32) % 5;

	count(task, n);
	begin_with(task, n, choice);
	mistake(task, n);
	note(3, n, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
