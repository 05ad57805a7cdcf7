/* 512 counters in an array map, found by key, as a probe counts events by kind. */
#include "workload.h"

#define KINDS 300

#ifdef NATIVE
static u64 counts[KINDS];

static inline u64 *counter(u32 kind)
{
	HIDDEN(kind);
	return kind < KINDS ? &counts[kind] : 0;
}
#else
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

static inline u64 *counter(u32 kind)
{
	return bpf_map_lookup_elem(&counts, &kind);
}
#endif

static inline u64 work(const u8 *memory)
{
	u64 missing = START(memory);

	ROLLED for (u32 i = 0; i < 512; i++) {
		u64 *count = counter(((const u16 *)memory)[i] & 511);
		if (count)
			*count += i;
		else
			missing++;
	}
	return missing;
}

WORKLOAD(counters)
