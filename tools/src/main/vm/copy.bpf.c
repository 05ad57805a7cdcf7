/* Copies 2 KiB by words, then 1 KiB by bytes. */
#include "workload.h"

static inline u64 work(u8 *memory)
{
	u64 *to = (u64 *)(memory + 6144);
	const u64 *from = (const u64 *)memory;

	ROLLED for (u32 i = 0; i < 256; i++) {
		u64 word = from[i];
		HIDDEN(word);
		to[i] = word;
	}
	ROLLED for (u32 i = 0; i < 1024; i++) {
		u8 byte = memory[2048 + i];
		HIDDEN(byte);
		memory[6144 + i] = byte;
	}
	return to[1] ^ to[100] ^ to[200];
}

WORKLOAD(copy)
