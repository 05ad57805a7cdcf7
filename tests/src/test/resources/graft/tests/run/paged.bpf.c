/* Asks for pages of an arena, gives them back, and looks at what is in them: a row for each call. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

#define __arena __attribute__((address_space(1)))
#define START 0x100000000000ull
#define PAGE 4096ull
#define PAGES 100

void __arena *bpf_arena_alloc_pages(void *map, void __arena *address, __u32 count, int node, __u64 flags) __ksym __weak;
void bpf_arena_free_pages(void *map, void __arena *address, __u32 count) __ksym __weak;
int bpf_arena_reserve_pages(void *map, void __arena *address, __u32 count) __ksym __weak;

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA, which is not in older headers */
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PAGES);
	enum { arena_start = START } map_extra;
} arena SEC(".maps");

struct row {
	__u64 result, first, last;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2000);
	__type(key, __u32);
	__type(value, struct row);
} ROW SEC(".maps");

__u32 rows;

/* The bytes of a page that was given are 0, and are changed. */
static __u64 changed(__u64 address)
{
	__u64 __arena *word = (__u64 __arena *)(address + 40);
	__u64 was = *word;

	*word = was + 1;
	return was;
}

/* What is asked for, the address, how many, and flags. */
SEC("uprobe.s")
int on_asked(struct pt_regs *ctx)
{
	__u32 index = rows++, count = ctx->rdx;
	__u64 address = ctx->rsi, result = 0;
	struct row *row = bpf_map_lookup_elem(&ROW, &index);

	if (!row)
		return 0;
	switch (ctx->rdi) {
	case 0:
		result = (__u64)bpf_arena_alloc_pages(&arena, (void __arena *)address, count, -1, ctx->rcx);
		if (result) {
			row->first = changed(result);
			row->last = changed(result + (count - 1) * PAGE);
		}
		break;
	case 1:
		bpf_arena_free_pages(&arena, (void __arena *)address, count);
		break;
	default:
		result = bpf_arena_reserve_pages(&arena, (void __arena *)address, count);
	}
	row->result = result;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
