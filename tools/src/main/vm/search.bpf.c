/* 128 binary searches in a sorted table of 256 numbers. */
#include "workload.h"

static inline u64 work(u8 *memory)
{
	u32 *table = (u32 *)(memory + 2048);
	u64 sum = START(memory);

	ROLLED for (u32 i = 0; i < 256; i++)
		table[i] = i * 0x00ffff01u;
	ROLLED for (u32 i = 0; i < 128; i++) {
		u32 wanted = ((const u32 *)memory)[i];
		u32 from = START(memory);
		ROLLED for (u32 half = 128; half != 0; half >>= 1) {
			if (table[(from + half) & 255] <= wanted)
				from += half;
		}
		sum = sum * 3 + from;
	}
	return sum;
}

WORKLOAD(search)
