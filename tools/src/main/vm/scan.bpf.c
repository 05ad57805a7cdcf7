/* Finds line ends, spaces and quotes in 1 KiB of text, and the longest word. */
#include "workload.h"

static inline u64 work(const u8 *memory)
{
	u32 spaces = START(memory), quotes = spaces, length = spaces, longest = spaces;

	ROLLED for (u32 i = 0; i < 1024; i++) {
		u8 letter = memory[4096 + i];
		if (letter == ' ' || letter == '\n' || letter == 0 || letter == '-') {
			spaces++;
			if (length > longest)
				longest = length;
			length = START(memory);
		} else {
			quotes += letter == '"' || letter == '\'';
			length++;
		}
	}
	return (u64)spaces << 40 | (u64)quotes << 20 | longest;
}

WORKLOAD(scan)
