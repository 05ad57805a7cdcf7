/* A 32-bit hash of 1 KiB: multiplications, rotations and shifts of 32 bits. */
#include "workload.h"

static inline u32 turn(u32 value, u32 bits)
{
	return value << bits | value >> (32 - bits);
}

static inline u64 work(const u8 *memory)
{
	const u32 *words = (const u32 *)memory;
	u32 hash = 0x9747b28c;

	ROLLED for (u32 i = 0; i < 256; i++) {
		u32 word = words[i] * 0xcc9e2d51u;
		word = turn(word, 15) * 0x1b873593u;
		hash = turn(hash ^ word, 13) * 5 + 0xe6546b64u;
	}
	hash ^= hash >> 16;
	hash *= 0x85ebca6bu;
	return hash ^ hash >> 13;
}

WORKLOAD(mix32)
