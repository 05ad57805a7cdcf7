/* What programs may do with the number that an iterator gives: the kernel's verifier has the last word. A name says what is expected. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Not in older headers. */
struct bpf_iter_num___own {
	__u64 opaque;
};

extern int bpf_iter_num_new(struct bpf_iter_num___own *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num___own *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num___own *it) __ksym;

SEC("uprobe") int accepted_sum(void)
{
	struct bpf_iter_num___own it;
	int sum = 0, *number;

	bpf_iter_num_new(&it, 0, 10);
	while ((number = bpf_iter_num_next(&it)))
		sum += *number;
	bpf_iter_num_destroy(&it);
	return sum;
}

SEC("uprobe") int accepted_number_before(void)
{
	struct bpf_iter_num___own it;
	int sum = 0, *first, *second;

	bpf_iter_num_new(&it, 0, 10);
	first = bpf_iter_num_next(&it);
	second = bpf_iter_num_next(&it);
	if (first && second)
		sum = *first + *second;
	bpf_iter_num_destroy(&it);
	return sum;
}

SEC("uprobe") int accepted_number_of_the_outer(void)
{
	struct bpf_iter_num___own outer, inner;
	int sum = 0, *one, *other;

	bpf_iter_num_new(&outer, 0, 10);
	while ((one = bpf_iter_num_next(&outer))) {
		bpf_iter_num_new(&inner, 0, 3);
		while ((other = bpf_iter_num_next(&inner)))
			sum += *other;
		bpf_iter_num_destroy(&inner);
		sum += *one;
	}
	bpf_iter_num_destroy(&outer);
	return sum;
}

SEC("uprobe") int refused_number_after_the_end(void)
{
	struct bpf_iter_num___own it;
	int *number;

	bpf_iter_num_new(&it, 0, 10);
	number = bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return number ? *number : 0;
}

SEC("uprobe") int refused_number_of_the_inner(void)
{
	struct bpf_iter_num___own outer, inner;
	int sum = 0, *last;

	bpf_iter_num_new(&outer, 0, 10);
	while (bpf_iter_num_next(&outer)) {
		bpf_iter_num_new(&inner, 0, 3);
		last = bpf_iter_num_next(&inner);
		bpf_iter_num_destroy(&inner);
		if (last)
			sum += *last;
	}
	bpf_iter_num_destroy(&outer);
	return sum;
}

static __noinline int *left(void)
{
	struct bpf_iter_num___own it;
	int *number;

	bpf_iter_num_new(&it, 0, 10);
	number = bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return number;
}

SEC("uprobe") int refused_number_of_a_function_that_has_returned(void)
{
	int *number = left();

	return number ? *number : 0;
}

SEC("uprobe") int refused_store(void)
{
	struct bpf_iter_num___own it;
	int *number;

	bpf_iter_num_new(&it, 0, 10);
	while ((number = bpf_iter_num_next(&it)))
		*number = 0;
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("uprobe") int refused_without_end(void)
{
	struct bpf_iter_num___own it;
	int *number;

	bpf_iter_num_new(&it, 0, 10);
	number = bpf_iter_num_next(&it);
	return number ? *number : 0;
}

__attribute__((noinline)) int of_all(__u32 index, __u64 *context)
{
	return context ? *context == index : 0;
}

/* Helpers call static functions only. */
SEC("uprobe")
int refused_callback_that_is_global(void *ctx)
{
	__u64 last = 3;

	(void)ctx;
	return bpf_loop(10, of_all, &last, 0);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
