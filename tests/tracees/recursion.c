/*
 * Recursion of two functions into each other, a million calls deep.
 *
 * probes: uprobe:even uretprobe:even uprobe:odd uretprobe:odd
 * requirements: 18
 * options: -O1 -pthread -fno-optimize-sibling-calls
 */
#include <pthread.h>

#include "tracee.h"

static volatile long one = 1;
long odd(long n);

/* 2 * n, the long way. */
__attribute__((noinline, noclone)) long even(long n)
{
	return n == 0 ? 0 : odd(n - one) + 2;
}

__attribute__((noinline, noclone)) long odd(long n)
{
	return n == 0 ? 0 : even(n - one) + 2;
}

static void *deep(void *times)
{
	long n = *(long *)times * 1000;

	if (even(n) != 2 * n)
		wrong("even(%ld) is wrong", n);
	calls[0] = calls[1] = n / 2 + 1;
	calls[2] = calls[3] = n / 2;
	return NULL;
}

static void work_on(long times)
{
	pthread_attr_t attributes;
	pthread_t thread;

	probes = 4;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 128ul << 20);
	if (pthread_create(&thread, &attributes, deep, &times))
		wrong("no thread");
	else
		pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
}
