/*
 * One function that works and nothing else, for tests that disturb the tracee from outside.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 37 38 45
 * options: -O2
 */
#include "plain.h"

/* Never called, on the same page. */
__attribute__((noinline, noclone, used)) long unused(long n)
{
	__asm__ volatile("lea 0x30201(%0), %0" : "+r"(n));
	return n;
}

static void work_on(long times)
{
	call_work(times);
}
