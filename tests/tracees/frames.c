/*
 * Spends its time in a function that the probed one calls, whose return is seen where it is.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 21
 * options: -O2 -fno-optimize-sibling-calls
 */
#include "frames.h"

__attribute__((noinline, noclone)) long work(long n)
{
	long result = deep(n);

	__asm__ volatile("" : "+r"(result));
	return 2 * result + 1;
}
