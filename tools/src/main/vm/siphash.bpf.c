/* SipHash-1-3 of 512 bytes: additions and rotations of four words. */
#include "workload.h"

static inline u64 turn(u64 value, u32 bits)
{
	return value << bits | value >> (64 - bits);
}

#define ROUND                                                                                                          \
	do {                                                                                                           \
		a += b;                                                                                                \
		b = turn(b, 13) ^ a;                                                                                   \
		a = turn(a, 32);                                                                                       \
		c += d;                                                                                                \
		d = turn(d, 16) ^ c;                                                                                   \
		a += d;                                                                                                \
		d = turn(d, 21) ^ a;                                                                                   \
		c += b;                                                                                                \
		b = turn(b, 17) ^ c;                                                                                   \
		c = turn(c, 32);                                                                                       \
	} while (0)

static inline u64 work(const u8 *memory)
{
	const u64 *words = (const u64 *)memory;
	u64 a = 0x736f6d6570736575ull, b = 0x646f72616e646f6dull;
	u64 c = 0x6c7967656e657261ull, d = 0x7465646279746573ull;

	ROLLED for (u32 i = 0; i < 64; i++) {
		u64 word = words[i];
		d ^= word;
		ROUND;
		a ^= word;
	}
	d ^= 512ull << 56;
	ROUND;
	a ^= 512ull << 56;
	c ^= 0xff;
	ROUND;
	ROUND;
	ROUND;
	return a ^ b ^ c ^ d;
}

WORKLOAD(siphash)
