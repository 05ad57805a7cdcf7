/* Compares four pairs of equal strings of 255 bytes, byte by byte. */
#include "workload.h"

static inline s64 order(const u8 *left, const u8 *right)
{
	ROLLED for (u32 i = 0; i < 256; i++) {
		u8 a = left[i], b = right[i];
		if (a != b)
			return (s64)a - b;
		if (a == 0)
			return 0;
	}
	return 0;
}

static inline u64 work(const u8 *memory)
{
	u64 sum = 0;

	ROLLED for (u32 pair = 0; pair < 4; pair++)
		sum = sum * 5 + order(memory + 4096 + pair * 512, memory + 4352 + pair * 512) + 1;
	return sum;
}

WORKLOAD(compare)
