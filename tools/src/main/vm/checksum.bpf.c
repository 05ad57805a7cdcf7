/* Two running sums over 4 KiB of 64-bit words. */
#include "workload.h"

static inline u64 work(const u8 *memory)
{
	const u64 *words = (const u64 *)memory;
	u64 low = 1, high = 0;

	ROLLED for (u32 i = 0; i < 512; i++) {
		low += words[i];
		high += low;
	}
	return low ^ high << 1;
}

WORKLOAD(checksum)
