/* 512 calls of a small subprogram. */
#include "workload.h"

SUBPROGRAM u64 step(u64 sum, u64 word)
{
	HIDDEN(word);
	return (sum ^ word) + (word >> 7);
}

static inline u64 work(const u8 *memory)
{
	const u64 *words = (const u64 *)memory;
	u64 sum = 0;

	ROLLED for (u32 i = 0; i < 512; i++)
		sum = step(sum, words[i]);
	return sum;
}

WORKLOAD(calls)
