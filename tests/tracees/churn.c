/*
 * Threads that are born all the time, each of which calls the probed function once and ends.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 33
 * options: -O2 -pthread
 */
#include <pthread.h>

#include "tracee.h"

enum { PARENTS = 4 };

static long done;

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return 5 * n + 1;
}

static void *call_once(void *n)
{
	if (work((long)n) != 5 * (long)n + 1)
		wrong("work(%ld) is wrong", (long)n);
	__atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void *have_children(void *times)
{
	pthread_t child;

	for (long i = 0; i < *(long *)times; i++)
		if (!pthread_create(&child, NULL, call_once, (void *)i))
			pthread_join(child, NULL);
	return NULL;
}

static void work_on(long times)
{
	pthread_t parents[PARENTS];

	probes = 2;
	done = 0;
	for (int i = 0; i < PARENTS; i++)
		pthread_create(&parents[i], NULL, have_children, &times);
	for (int i = 0; i < PARENTS; i++)
		pthread_join(parents[i], NULL);
	calls[0] = calls[1] = done;
	if (done != PARENTS * times)
		wrong("%ld of %ld threads have run", done, PARENTS * times);
}
