/*
 * One function that works and nothing else, for tests that disturb the tracee from outside.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 37 38 45
 * options: -O2
 */
#include "tracee.h"

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("lea 0x10203(%0), %0" : "+r"(n));
	return n;
}

/* Never called, on the same page. */
__attribute__((noinline, noclone, used)) long unused(long n)
{
	__asm__ volatile("lea 0x30201(%0), %0" : "+r"(n));
	return n;
}

static void work_on(long times)
{
	probes = 2;
	for (long i = 0; i < times; i++) {
		if (work(i) != i + 0x10203)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
		calls[1]++;
	}
}
