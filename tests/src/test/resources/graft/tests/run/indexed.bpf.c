// Reads arguments with an index register, as the header does that knows them (libbpf 1.7 and later).
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

struct argument {
	__u64 displacement;
	__u32 kind : 8;
	__u16 index : 12;
	__u16 scale : 4;
	__u8 reserved : 8;
	short base;
	bool is_signed;
	char shift;
};

struct spec {
	struct argument arguments[12];
	__u64 cookie;
	short count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, int);
	__type(value, struct spec);
} __bpf_usdt_specs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __s64);
} sum SEC(".maps");

static __attribute__((noinline)) void add(__u32 index, __s64 value)
{
	__s64 *place = bpf_map_lookup_elem(&sum, &index);

	if (place)
		__sync_fetch_and_add(place, value);
}

SEC("usdt/markers:demo:indexed")
int indexed(struct pt_regs *ctx)
{
	int number = bpf_get_attach_cookie(ctx);
	struct spec *spec = bpf_map_lookup_elem(&__bpf_usdt_specs, &number);

	if (!spec)
		return 0;
	for (int i = 0; i < 2; i++) {
		struct argument *argument = &spec->arguments[i];
		__u64 base = 0, index = 0, value = 0;

		if (argument->kind != 3)
			continue;
		bpf_probe_read_kernel(&base, 8, (void *)ctx + argument->base);
		bpf_probe_read_kernel(&index, 8, (void *)ctx + argument->index);
		bpf_probe_read_user(&value, 8, (void *)(base + (index << argument->scale) + argument->displacement));
		value <<= argument->shift;
		add(i, argument->is_signed ? (__s64)value >> argument->shift : value >> argument->shift);
	}
	add(2, spec->count);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
