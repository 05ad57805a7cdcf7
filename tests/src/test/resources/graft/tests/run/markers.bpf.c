// Adds up what it finds at the static probes of markers.c, with libbpf's header as it is.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/usdt.bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __s64);
} sum SEC(".maps");

static void add(__u32 index, __s64 value)
{
	__s64 *place = bpf_map_lookup_elem(&sum, &index);

	if (place)
		__sync_fetch_and_add(place, value);
}

SEC("usdt/markers:demo:forms")
int forms(struct pt_regs *ctx)
{
	for (int i = 0; i < 7; i++) {
		long value = 0;

		add(i + 8, bpf_usdt_arg(ctx, i, &value));
		add(i, value);
	}
	add(7, bpf_usdt_arg_cnt(ctx));
	return 0;
}

SEC("usdt/markers:demo:twice")
int BPF_USDT(twice, int a)
{
	add(16, a);
	add(17, 1);
	return 0;
}

SEC("usdt/markers:demo:guarded")
int BPF_USDT(guarded, int a, void *text)
{
	char first = 0;

	bpf_probe_read_user(&first, 1, text);
	add(18, a);
	add(19, first);
	add(20, bpf_usdt_cookie(ctx));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
