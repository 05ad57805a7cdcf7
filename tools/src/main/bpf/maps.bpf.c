/*
 * What `graft bench maps` runs, in a process and in the kernel alike: programs that do one operation a thousand times.
 * Each has a map of its own, filled from outside, so that what it left can be compared.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define OPERATIONS 1000
#define ENTRIES 2048

typedef __u32 u32;
typedef __u64 u64;

/* What a process keeps of a request or a thread: too large for one store. */
struct request {
	u64 words[6];
};

#define MAP(name, kind, key_type, value_type)                                                                \
	struct {                                                                                             \
		__uint(type, BPF_MAP_TYPE_##kind);                                                           \
		__uint(max_entries, ENTRIES);                                                                \
		__type(key, key_type);                                                                       \
		__type(value, value_type);                                                                   \
	} name SEC(".maps")

MAP(read_array, ARRAY, u32, u64);
MAP(read_rows, PERCPU_ARRAY, u32, u64);
MAP(read_hash, HASH, u32, u64);
MAP(missed_hash, HASH, u32, u64);
MAP(updated_hash, HASH, u32, u64);
MAP(replaced_hash, HASH, u64, struct request);
MAP(churned_hash, HASH, u64, u64);
MAP(requests, HASH, u64, struct request);
MAP(updated_rows, PERCPU_HASH, u32, u64);
MAP(found_rows, PERCPU_HASH, u32, u64);
MAP(counts, HASH, u32, u64);
MAP(read_memory, ARRAY, u32, u64);
MAP(read_lru, LRU_HASH, u32, u64);
MAP(updated_lru, LRU_HASH, u32, u64);
MAP(full_lru, LRU_HASH, u64, u64);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, ENTRIES);
	__type(value, u64);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, ENTRIES);
	__type(value, u64);
} filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} events SEC(".maps");

/* What the rows of lookups found in all. */
u64 found;

/* Of the keys that go into the full map, a new one each time. */
u64 fresh;

/* The verifier follows every round; what a loop adds up must not be a number that it knows. */
#define EACH(i)                                                                                              \
	_Pragma("clang loop unroll(disable)") for (u32 i = 0; i < OPERATIONS; i++)

#define HIDDEN(x) __asm__ volatile("" : "+r"(x))

#define LOOKUPS(name, map)                                                                                   \
	SEC("uprobe") int name(void *ctx)                                                                    \
	{                                                                                                    \
		u64 sum = found;                                                                             \
		(void)ctx;                                                                                   \
		EACH(i)                                                                                      \
		{                                                                                            \
			u32 key = i;                                                                         \
			HIDDEN(key);                                                                         \
			u64 *value = bpf_map_lookup_elem(&map, &key);                                        \
			if (value)                                                                           \
				sum += *value;                                                               \
		}                                                                                            \
		found = sum;                                                                                 \
		return 0;                                                                                    \
	}

LOOKUPS(array_lookup, read_array)
LOOKUPS(percpu_array_lookup, read_rows)
LOOKUPS(hash_lookup_hit, read_hash)
LOOKUPS(hash_lookup_miss, missed_hash)
LOOKUPS(percpu_hash_lookup, found_rows)
LOOKUPS(lru_lookup_hit, read_lru)

#define UPDATES(name, map)                                                                                   \
	SEC("uprobe") int name(void *ctx)                                                                    \
	{                                                                                                    \
		(void)ctx;                                                                                   \
		EACH(i)                                                                                      \
		{                                                                                            \
			u32 key = i;                                                                         \
			u64 value = i;                                                                       \
			bpf_map_update_elem(&map, &key, &value, BPF_ANY);                                    \
		}                                                                                            \
		return 0;                                                                                    \
	}

UPDATES(hash_update, updated_hash)
UPDATES(percpu_hash_update, updated_rows)
UPDATES(lru_update, updated_lru)

/* Every key is new, so another one goes. */
SEC("uprobe")
int lru_evict(void *ctx)
{
	u64 key = bpf_get_current_pid_tgid() << 32 | fresh;
	(void)ctx;
	EACH(i)
	{
		key++;
		bpf_map_update_elem(&full_lru, &key, &key, BPF_ANY);
	}
	fresh += OPERATIONS;
	return 0;
}

SEC("uprobe")
int queue_push_pop(void *ctx)
{
	(void)ctx;
	EACH(i)
	{
		u64 value = i;
		bpf_map_push_elem(&queue, &value, BPF_EXIST);
		bpf_map_pop_elem(&queue, &value);
	}
	return 0;
}

SEC("uprobe")
int bloom_push_peek(void *ctx)
{
	u64 sum = found;
	(void)ctx;
	EACH(i)
	{
		u64 value = i;
		bpf_map_push_elem(&filter, &value, BPF_ANY);
		sum += bpf_map_peek_elem(&filter, &value);
	}
	found = sum;
	return 0;
}

/* A value that one store cannot replace. */
SEC("uprobe")
int hash_replace(void *ctx)
{
	struct request request = {};
	(void)ctx;
	EACH(i)
	{
		u64 key = i;
		request.words[0] = i;
		bpf_map_update_elem(&replaced_hash, &key, &request, BPF_ANY);
	}
	return 0;
}

SEC("uprobe")
int hash_insert_delete(void *ctx)
{
	u64 own = bpf_get_current_pid_tgid() << 32;
	(void)ctx;
	EACH(i)
	{
		u64 key = own | (i + ENTRIES);
		u64 value = i;
		bpf_map_update_elem(&churned_hash, &key, &value, BPF_ANY);
		bpf_map_delete_elem(&churned_hash, &key);
	}
	return 0;
}

/* A thread that keeps something during each request: always the same key. */
SEC("uprobe")
int request_insert_delete(void *ctx)
{
	struct request request = {};
	u64 key = bpf_get_current_pid_tgid();
	(void)ctx;
	EACH(i)
	{
		request.words[0] = i;
		bpf_map_update_elem(&requests, &key, &request, BPF_ANY);
		bpf_map_delete_elem(&requests, &key);
	}
	return 0;
}

SEC("uprobe")
int hash_count(void *ctx)
{
	(void)ctx;
	EACH(i)
	{
		u32 key = i & 63;
		u64 one = 1;
		u64 *count = bpf_map_lookup_elem(&counts, &key);
		if (count)
			__sync_fetch_and_add(count, 1);
		else
			bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	}
	return 0;
}

SEC("uprobe")
int ring_64(void *ctx)
{
	(void)ctx;
	EACH(i)
	{
		u64 *event = bpf_ringbuf_reserve(&events, 64, 0);
		if (!event)
			break;
		event[0] = i;
		event[7] = i;
		bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	}
	return 0;
}

#define READS(name, more)                                                                                    \
	SEC("uprobe") int name(void *ctx)                                                                    \
	{                                                                                                    \
		u32 zero = 0;                                                                                \
		u64 sum = found;                                                                             \
		u64 *memory = bpf_map_lookup_elem(&read_memory, &zero);                                      \
		(void)ctx;                                                                                   \
		if (!memory)                                                                                 \
			return 0;                                                                            \
		EACH(i)                                                                                      \
		{                                                                                            \
			u64 word = 0;                                                                        \
			bpf_probe_read_kernel(&word, sizeof(word), memory);                                  \
			sum += word + (more);                                                                \
		}                                                                                            \
		found = sum;                                                                                 \
		return 0;                                                                                    \
	}

READS(probe_read_8, 0)
/* A helper behind each, so that nothing is shared between two reads. */
READS(probe_read_apart, bpf_get_numa_node_id())

/* Something on the stack of the running thread. */
SEC("uprobe")
int probe_read_stack(void *ctx)
{
	u64 local = 5;
	u64 sum = found;
	(void)ctx;
	EACH(i)
	{
		u64 word = 0;
		bpf_probe_read_kernel(&word, sizeof(word), &local);
		sum += word;
	}
	found = sum;
	return 0;
}

#define VALUES(name, call)                                                                                   \
	SEC("uprobe") int name(void *ctx)                                                                    \
	{                                                                                                    \
		u64 sum = found;                                                                             \
		(void)ctx;                                                                                   \
		EACH(i) sum += call();                                                                       \
		found = sum;                                                                                 \
		return 0;                                                                                    \
	}

VALUES(ktime, bpf_ktime_get_ns)
VALUES(pid_tgid, bpf_get_current_pid_tgid)
VALUES(processor, bpf_get_smp_processor_id)

char LICENSE[] SEC("license") = "Dual MIT/GPL";
