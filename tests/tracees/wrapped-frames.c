/*
 * Spends its time in a function that one calls whose return is seen by wrapping, because it may leave by a jump.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 21
 * options: -O2
 */
#include "frames.h"

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
