/* Time is spent in a function that the probed one calls: other tools walk its stack meanwhile. */
#include "tracee.h"

__attribute__((noinline, noclone)) long deep(long n)
{
	for (long i = 0; i < 20000; i++)
		__asm__ volatile("" : "+r"(n));
	return n;
}

/* Gives 2n + 1. */
long work(long n);

__attribute__((noinline, noclone)) long outer(long n)
{
	long result = work(n);

	__asm__ volatile("" : "+r"(result));
	return result + 1;
}

static void work_on(long times)
{
	probes = 2;
	for (long i = 0; i < times; i++) {
		if (outer(i) != 2 * i + 2)
			wrong("outer(%ld) is wrong", i);
		calls[0]++;
		calls[1]++;
	}
}
