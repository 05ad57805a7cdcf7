/* Counts the calls of a function, as gcc compiles it: a map with BTF, one without, global data. */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) val *name

/* gcc 12 takes a helper's number only where it is called. */
#define map_lookup_elem ((void *(*)(void *map, const void *key))BPF_FUNC_map_lookup_elem)
#define map_update_elem \
	((long (*)(void *map, const void *key, const void *value, __u64 flags))BPF_FUNC_map_update_elem)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} BY_SIZE SEC(".maps");

struct bpf_map_def {
	__u32 type, key_size, value_size, max_entries, map_flags;
};

struct bpf_map_def CALLS SEC("maps") = {BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0};

__u64 HITS;
const volatile __u64 STEP = 1;

static __attribute__((noinline)) void count(void *map, __u32 key)
{
	__u64 step = STEP;
	__u64 *value = map_lookup_elem(map, &key);

	if (value)
		*value += step;
	else
		map_update_elem(map, &key, &step, 0);
}

struct registers {
	__u64 before[14], rdi, after[6];
};

SEC("uprobe")
int on_call(struct registers *registers)
{
	HITS++;
	count(&CALLS, 0);
	count(&BY_SIZE, registers->rdi & 63);
	return 0;
}

char _license[] SEC("license") = "GPL";
