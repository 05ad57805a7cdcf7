/* Reads decimal numbers out of 1 KiB of text, everything else separates them. */
#include "workload.h"

static inline u64 work(const u8 *memory)
{
	u64 sum = START(memory), number = sum;

	ROLLED for (u32 i = 0; i < 1024; i++) {
		u32 digit = (u32)memory[4096 + i] - '0';
		if (digit < 10) {
			number = number * 10 + digit;
		} else {
			sum += number;
			number = START(memory);
		}
	}
	return sum + number;
}

WORKLOAD(parse)
