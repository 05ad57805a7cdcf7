/* Records of many sizes, wrong ones, and more than the buffer holds; results by their number. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

#define LARGE 16000
#define ENTRIES 1000

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, ENTRIES);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 96);
	__type(key, __u32);
	__type(value, long);
} RESULTS SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, char[LARGE]);
} BYTES SEC(".maps");

__u32 count;

static void note(__u32 which, long what)
{
	long *result = bpf_map_lookup_elem(&RESULTS, &which);

	if (result)
		*result = what;
}

SEC("uprobe")
int on_probed(struct pt_regs *ctx)
{
	__u32 zero = 0, n = count++, cpu = bpf_get_smp_processor_id();
	char *bytes = bpf_map_lookup_elem(&BYTES, &zero);

	if (!bytes)
		return 0;
	bytes[0] = n + 1;
	bytes[20] = ~n;
	note(n & 31, bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, bytes, 12 + (n * 37 & 255)));
	if (n == 3) {
		note(32, bpf_perf_event_output(ctx, &events, cpu, bytes, 100));
		note(33, bpf_perf_event_output(ctx, &events, 1ull << 32 | ENTRIES, bytes, 100));
		note(34, bpf_perf_event_output(ctx, &events, 100ull << 32 | cpu, bytes, 100));
		note(35, bpf_perf_event_output(ctx, &events, ENTRIES, bytes, 100));
		note(36, bpf_perf_event_output(ctx, &events, ENTRIES - 1, bytes, 100));
		note(37, bpf_perf_event_output(ctx, &events, cpu ^ 1, bytes, 100));
	}
	if (n % 15 == 10)
		for (int i = 0; i < 20; i++)
			note((n < 15 ? 40 : 64) + i, bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, bytes, LARGE - i));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
