/* What callbacks may do with a sample: the kernel's verifier has the last word. A name says what is expected. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

#define DRAINS(name, context)                                                  \
	SEC("uprobe") int name(void *ctx)                                      \
	{                                                                      \
		__u64 local = 0;                                               \
		(void)local;                                                   \
		(void)ctx;                                                     \
		bpf_user_ringbuf_drain(&samples, name##_of_sample, context, 0);    \
		return 0;                                                      \
	}

#define CALLBACK(name)                                                         \
	static long name##_of_sample(struct bpf_dynptr *sample __attribute__((unused)), void *context __attribute__((unused)))

CALLBACK(accepted_read)
{
	__u64 word = 0;

	bpf_dynptr_read(&word, 8, sample, 0, 0);
	return word == 1;
}
DRAINS(accepted_read, 0)

CALLBACK(accepted_slice)
{
	__u64 *word = bpf_dynptr_data(sample, 0, 8);

	if (word)
		*word += 1;
	return 0;
}
DRAINS(accepted_slice, 0)

CALLBACK(accepted_write)
{
	__u64 word = 1;

	bpf_dynptr_write(sample, 0, &word, 8, 0);
	return 0;
}
DRAINS(accepted_write, 0)

CALLBACK(accepted_context)
{
	*(__u64 *)context += 1;
	return 0;
}
DRAINS(accepted_context, &local)

CALLBACK(accepted_nested)
{
	return bpf_user_ringbuf_drain(&samples, accepted_read_of_sample, (void *)0, 0) > 0;
}
DRAINS(accepted_nested, 0)

CALLBACK(refused_untested_slice)
{
	__u64 *word = bpf_dynptr_data(sample, 0, 8);

	*word = 1;
	return 0;
}
DRAINS(refused_untested_slice, 0)

CALLBACK(refused_behind_the_slice)
{
	__u64 *word = bpf_dynptr_data(sample, 0, 8);

	if (word)
		word[1] = 1;
	return 0;
}
DRAINS(refused_behind_the_slice, 0)

CALLBACK(refused_store)
{
	*(long *)sample = 0;
	return 0;
}
DRAINS(refused_store, 0)

CALLBACK(refused_load)
{
	return *(long *)sample & 1;
}
DRAINS(refused_load, 0)

CALLBACK(refused_before)
{
	return *(__u8 *)((char *)sample - 1) & 1;
}
DRAINS(refused_before, 0)

CALLBACK(refused_null_context)
{
	*(__u64 *)context = 0;
	return 0;
}
DRAINS(refused_null_context, 0)

CALLBACK(refused_discard)
{
	bpf_ringbuf_discard_dynptr(sample, 0);
	return 0;
}
DRAINS(refused_discard, 0)

CALLBACK(refused_submit)
{
	bpf_ringbuf_submit_dynptr(sample, 0);
	return 0;
}
DRAINS(refused_submit, 0)

CALLBACK(refused_result)
{
	return 2;
}
DRAINS(refused_result, 0)

CALLBACK(refused_again_of_memory)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&values, &key);

	if (value)
		bpf_dynptr_from_mem(value, 8, 0, sample);
	return 0;
}
DRAINS(refused_again_of_memory, 0)

CALLBACK(refused_again_of_a_ring)
{
	bpf_ringbuf_reserve_dynptr(&events, 8, 0, sample);
	return 0;
}
DRAINS(refused_again_of_a_ring, 0)

SEC("uprobe")
int refused_another_ring(void *ctx)
{
	(void)ctx;
	bpf_user_ringbuf_drain(&events, accepted_read_of_sample, (void *)0, 0);
	return 0;
}

SEC("uprobe")
int refused_to_reserve(void *ctx)
{
	void *record = bpf_ringbuf_reserve(&samples, 8, 0);

	(void)ctx;
	if (record)
		bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("uprobe")
int refused_lookup(void *ctx)
{
	__u32 key = 0;

	(void)ctx;
	return bpf_map_lookup_elem(&samples, &key) != 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
