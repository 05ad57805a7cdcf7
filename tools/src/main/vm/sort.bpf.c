/* Sorts 48 numbers by insertion. */
#include "workload.h"

static inline u64 work(u8 *memory)
{
	u32 *numbers = (u32 *)(memory + 2048);

	ROLLED for (u32 i = 0; i < 48; i++)
		numbers[i] = ((const u32 *)memory)[i];
	ROLLED for (u32 i = 1; i < 48; i++) {
		u32 moved = numbers[i];
		u32 at = i;
		ROLLED for (u32 step = 0; step < 48; step++) {
			if (at == 0 || at >= 48 || numbers[at - 1] <= moved)
				break;
			numbers[at] = numbers[at - 1];
			at--;
		}
		numbers[at & 63] = moved;
	}
	return numbers[0] ^ numbers[20] ^ (u64)numbers[47] << 32;
}

WORKLOAD(sort)
