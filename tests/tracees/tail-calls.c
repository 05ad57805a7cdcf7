/*
 * A function that ends by jumping to another one, which ends by jumping to a third: each returns once.
 *
 * probes: uprobe:first uretprobe:first uprobe:second uretprobe:second uprobe:third uretprobe:third
 * requirements: 22
 * options: -O2 -no-pie
 */
#include "tracee.h"

__attribute__((noinline, noclone)) long third(long n)
{
	__asm__ volatile("" : "+r"(n));
	return 3 * n;
}

__attribute__((noinline, noclone)) long second(long n)
{
	__asm__ volatile("" : "+r"(n));
	return third(n + 1);
}

__attribute__((noinline, noclone)) long first(long n)
{
	__asm__ volatile("" : "+r"(n));
	return second(n + 1);
}

static void work_on(long times)
{
	probes = 6;
	for (long i = 0; i < times; i++) {
		if (first(i) != 3 * (i + 2))
			wrong("first(%ld) is wrong", i);
		for (int probe = 0; probe < probes; probe++)
			calls[probe]++;
	}
}
