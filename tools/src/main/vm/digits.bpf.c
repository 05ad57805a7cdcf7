/* Writes 64 numbers as decimal text: divisions by a constant. */
#include "workload.h"

static inline u64 work(u8 *memory)
{
	const u32 *numbers = (const u32 *)memory;
	u64 digits = START(memory);

	ROLLED for (u32 i = 0; i < 64; i++) {
		u64 left = (u64)numbers[i] << 13;
		u8 *text = memory + 2048 + i * 16;
		ROLLED for (u32 place = 0; place < 16; place++) {
			text[15 - place] = '0' + left % 10;
			left /= 10;
			digits++;
			if (left == 0)
				break;
		}
	}
	return digits;
}

WORKLOAD(digits)
