/* Hashes 1 KiB byte by byte and counts the hashes by their power of two, as latency tools do. */
#include "workload.h"

static inline u32 power(u32 value)
{
	u32 bits = (value > 0xffff) << 4;
	u32 shift;

	value >>= bits;
	shift = (value > 0xff) << 3;
	value >>= shift;
	bits |= shift;
	shift = (value > 0xf) << 2;
	value >>= shift;
	bits |= shift;
	shift = (value > 3) << 1;
	value >>= shift;
	return bits | shift | value >> 1;
}

static inline u64 work(u8 *memory)
{
	u32 *slots = (u32 *)(memory + 7168);
	u64 hash = 0xcbf29ce484222325ull;

	ROLLED for (u32 i = 0; i < 32; i++)
		slots[i] = 0;
	ROLLED for (u32 i = 0; i < 1024; i++) {
		hash ^= memory[i];
		hash *= 0x100000001b3ull;
		slots[power(hash >> 32) & 31] += 1;
	}
	ROLLED for (u32 i = 0; i < 32; i++)
		hash = hash * 33 + slots[i];
	return hash;
}

WORKLOAD(histogram)
