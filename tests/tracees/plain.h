/* One function and its calls. */
#include "tracee.h"

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("lea 0x10203(%0), %0" : "+r"(n));
	return n;
}

static void call_work(long times)
{
	probes = 2;
	for (long i = 0; i < times; i++) {
		if (work(i) != i + 0x10203)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
		calls[1]++;
	}
}
