/*
 * A function that jumps to another one, which sleeps for a millisecond: most of the time a call is under way.
 *
 * probes: uprobe:first uretprobe:first uprobe:second uretprobe:second
 * requirements: 22
 * options: -O2 -no-pie
 */
#include <time.h>

#include "tracee.h"

__attribute__((noinline, noclone)) long last(long n)
{
	struct timespec time = { 0, 1000000 };

	nanosleep(&time, NULL);
	return 3 * n;
}

__attribute__((noinline, noclone)) long second(long n)
{
	__asm__ volatile("" : "+r"(n));
	return last(n + 1);
}

__attribute__((noinline, noclone)) long first(long n)
{
	__asm__ volatile("" : "+r"(n));
	return second(n + 1);
}

static void work_on(long times)
{
	probes = 4;
	for (long i = 0; i < times / 10 + 1; i++) {
		if (first(i) != 3 * (i + 2))
			wrong("first(%ld) is wrong", i);
		for (int probe = 0; probe < probes; probe++)
			calls[probe]++;
	}
}
