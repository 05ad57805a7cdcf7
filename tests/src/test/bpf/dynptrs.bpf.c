/*
 * Every call of `work` uses dynptrs over a value and over records of a ring buffer, at places that depend on the call, inside and
 * outside; and iterates over numbers. What comes of it goes into numbers: the same calls have to give the same in the kernel.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"

#define BYTES 64
#define SLICE 8

/* Not in older headers. */
struct bpf_iter_num___own {
	__u64 opaque;
};

extern int bpf_iter_num_new(struct bpf_iter_num___own *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num___own *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num___own *it) __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, __u32 start, __u32 end) __ksym;
/* The kernel's give a byte in al and leave the rest of r0 as it comes. */
extern int bpf_dynptr_is_null(const struct bpf_dynptr *p) __ksym;
extern int bpf_dynptr_is_rdonly(const struct bpf_dynptr *p) __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *p) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 offset, void *buffer, __u32 size) __ksym;

struct value {
	__u8 bytes[BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct value);
} VALUES SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 6);
	__type(key, __u32);
	__type(value, __u64);
} RESULTS SEC(".maps");

static void note(__u32 which, __u64 what)
{
	__u64 *sum = bpf_map_lookup_elem(&RESULTS, &which);

	if (sum)
		*sum = *sum * 31 + what;
}

/* How the dynptr answers, wherever it is and whatever is asked for. */
static void ask(__u32 which, struct bpf_dynptr *dynptr, __u32 n)
{
	__u8 buffer[SLICE] = {};
	__u32 offset = n % 80, length = (n >> 4) & (SLICE - 1);
	__u64 flags = n % 11 == 0, number = n * 0x9e3779b97f4a7c15ull;
	__u64 *data;
	__u32 *slice;

	note(which, bpf_dynptr_size(dynptr));
	note(which, (__u8)bpf_dynptr_is_null(dynptr));
	note(which, (__u8)bpf_dynptr_is_rdonly(dynptr));
	note(which, bpf_dynptr_write(dynptr, offset, &number, length, flags));
	note(which, bpf_dynptr_read(buffer, length, dynptr, n % 71, n % 13 == 0));
	for (int i = 0; i < SLICE; i++)
		note(which, buffer[i]);
	data = bpf_dynptr_data(dynptr, offset, sizeof(*data));
	if (data)
		*data += n;
	note(which, data ? *data : 7);
	slice = bpf_dynptr_slice(dynptr, n % 67, 0, sizeof(*slice));
	note(which, slice ? *slice : 5);
}

static void use_value(__u32 n)
{
	__u32 zero = 0;
	struct value *value = bpf_map_lookup_elem(&VALUES, &zero);
	struct bpf_dynptr whole, part;

	if (!value)
		return;
	note(0, bpf_dynptr_from_mem(value, n & (BYTES - 1), n % 17 == 0, &whole));
	ask(0, &whole, n);
	note(1, bpf_dynptr_clone(&whole, &part));
	note(1, bpf_dynptr_adjust(&part, n % 37, n % 41));
	ask(1, &part, n / 3);
	note(1, bpf_dynptr_adjust(&part, n % 5, n % 3 + 4));
	ask(1, &part, n / 5);
	ask(0, &whole, n / 7);
}

static void use_records(__u32 n)
{
	struct bpf_dynptr record, clone;
	__u32 size = n % 19 ? n % 100 : n * 400000;

	note(2, bpf_ringbuf_reserve_dynptr(&records, size, n % 23 == 0, &record));
	ask(2, &record, n);
	note(3, bpf_dynptr_clone(&record, &clone));
	note(3, bpf_dynptr_adjust(&clone, n % 7, n % 60));
	ask(3, &clone, n / 2);
	if (n % 2)
		bpf_ringbuf_submit_dynptr(&clone, 0);
	else
		bpf_ringbuf_discard_dynptr(&record, 0);
	note(2, bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA));
}

static void count(__u32 n)
{
	struct bpf_iter_num___own numbers;
	int start = n % 5 == 0 ? (int)0x80000000 : (int)(n % 9) - 4;
	int *number;

	note(4, bpf_iter_num_new(&numbers, start, start + (int)(n % 29) - 3));
	while ((number = bpf_iter_num_next(&numbers)))
		note(4, *number);
	bpf_iter_num_destroy(&numbers);
	note(5, bpf_iter_num_new(&numbers, -(int)n, n * 4000));
	number = bpf_iter_num_next(&numbers);
	note(5, number ? *number : 9);
	bpf_iter_num_destroy(&numbers);
}

SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	__u32 n = ARGUMENT1(ctx);

	use_value(n);
	use_records(n);
	count(n);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
