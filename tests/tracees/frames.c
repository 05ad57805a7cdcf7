/*
 * Spends its time in a function that the probed one calls: other tools walk its stack meanwhile.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 21
 * options: -O2 -fno-optimize-sibling-calls
 */
#include "tracee.h"

__attribute__((noinline, noclone)) long deep(long n)
{
	for (long i = 0; i < 20000; i++)
		__asm__ volatile("" : "+r"(n));
	return n;
}

__attribute__((noinline, noclone)) long work(long n)
{
	long result = deep(n);

	__asm__ volatile("" : "+r"(result));
	return 2 * result + 1;
}

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
