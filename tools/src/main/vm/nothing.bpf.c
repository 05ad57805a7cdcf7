/* The cost of the call itself. */
#include "workload.h"

static inline u64 work(const u8 *memory)
{
	(void)memory;
	return 0;
}

WORKLOAD(nothing)
