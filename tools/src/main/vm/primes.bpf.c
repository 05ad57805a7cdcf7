/* Counts primes by trial division: 64-bit remainders of small numbers. */
#include "workload.h"

static inline u64 work(u8 *memory)
{
	u64 *found = (u64 *)memory;

	*found = 1;
	ROLLED for (u64 candidate = 3; candidate < 500; candidate += 2) {
		u64 composite = 0;
		ROLLED for (u64 factor = 3; factor * factor <= candidate; factor += 2) {
			if (candidate % factor == 0) {
				composite = 1;
				break;
			}
		}
		*found += !composite;
	}
	return *found;
}

WORKLOAD(primes)
