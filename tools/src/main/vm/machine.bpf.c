/* A small interpreter: 1,024 instructions of 16 kinds. */
#include "workload.h"

static inline u64 work(const u8 *memory)
{
	u64 x = START(memory) + 3, y = START(memory) + 5;

	ROLLED for (u32 at = 0; at < 1024; at++) {
		switch (memory[at] >> 4) {
		case 0: x += y; break;
		case 1: y -= x; break;
		case 2: x ^= y >> 5; break;
		case 3: y ^= x << 9; break;
		case 4: x = x * 9 + 2; break;
		case 5: y = y * 3 + 1; break;
		case 6: x |= y & 0xf0; break;
		case 7: y &= ~(x & 7); break;
		case 8: x >>= 2; break;
		case 9: y <<= 3; break;
		case 10: x += 0x1357924680ull; break;
		case 11: y ^= 0x5bd1e9955bd1e995ull; break;
		case 12: x = x << 32 | x >> 32; break;
		case 13: y = -y; break;
		case 14: x -= y; break;
		default: y += x * 2; break;
		}
	}
	return x ^ y;
}

WORKLOAD(machine)
