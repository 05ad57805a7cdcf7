/*
 * Spends its time in a function that one calls whose return is seen by wrapping, because it may leave by a jump: other tools
 * walk its stack meanwhile.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 21
 * options: -O2
 */
#include "tracee.h"

__attribute__((noinline, noclone)) long deep(long n)
{
	for (long i = 0; i < 20000; i++)
		__asm__ volatile("" : "+r"(n));
	return n;
}

__attribute__((noinline, noclone)) long negative(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

__attribute__((noinline, noclone)) long work(long n)
{
	long result = deep(n);

	__asm__ volatile("" : "+r"(result));
	if (result < 0)
		return negative(result);
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
