/* What bpf_strtol, bpf_strtoul and bpf_strncmp make of texts, a row for each call. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

struct row {
	long signed_result, unsigned_result, compared;
	long signed_number;
	unsigned long unsigned_number;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1500);
	__type(key, __u32);
	__type(value, struct row);
} ROW SEC(".maps");

__u32 rows;

SEC("uprobe")
int on_parsed(struct pt_regs *ctx)
{
	char text[128] = {};
	__u32 index = rows++;
	__u64 size = ctx->rsi;
	struct row *row = bpf_map_lookup_elem(&ROW, &index);
	long number = 5;
	unsigned long other = 5;

	if (!row)
		return 0;
	bpf_probe_read_user(text, sizeof(text), (const void *)ctx->rdi);
	if (!size || size > sizeof(text))
		size = sizeof(text);
	row->signed_result = bpf_strtol(text, size, ctx->rdx, &number);
	row->signed_number = number;
	row->unsigned_result = bpf_strtoul(text, size, ctx->rdx, &other);
	row->unsigned_number = other;
	row->compared = bpf_strncmp(text, size, "0x19");
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
