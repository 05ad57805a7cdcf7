/* A 64-bit hash of 1 KiB in four lanes: multiplications and rotations. */
#include "workload.h"

#define PRIME1 0x9e3779b185ebca87ull
#define PRIME2 0xc2b2ae3d27d4eb4full

static inline u64 turn(u64 value, u32 bits)
{
	return value << bits | value >> (64 - bits);
}

static inline u64 work(const u8 *memory)
{
	const u64 *words = (const u64 *)memory;
	u64 a = PRIME1, b = PRIME2, c = 0, d = 0 - PRIME1;

	ROLLED for (u32 i = 0; i < 128; i += 4) {
		a = turn(a + words[i] * PRIME2, 31) * PRIME1;
		b = turn(b + words[i + 1] * PRIME2, 31) * PRIME1;
		c = turn(c + words[i + 2] * PRIME2, 31) * PRIME1;
		d = turn(d + words[i + 3] * PRIME2, 31) * PRIME1;
	}
	return turn(a, 1) + turn(b, 7) + turn(c, 12) + turn(d, 18);
}

WORKLOAD(mix64)
