/*
 * A main thread that is renamed before each call, and a second thread with a name of its own.
 *
 * probes: uprobe:work
 * options: -O2 -pthread
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/prctl.h>

#include "tracee.h"

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

static void *second(void *times)
{
	prctl(PR_SET_NAME, "second");
	for (long i = 0; i < *(long *)times; i++)
		if (work(i) != i + 1)
			wrong("work(%ld) is wrong", i);
	return 0;
}

static void work_on(long times)
{
	static const char *const names[] = { "first", "exactly-15-long", "" };
	pthread_t thread;

	probes = 1;
	if (pthread_create(&thread, 0, second, &times))
		wrong("no thread");
	pthread_join(thread, 0);
	for (long i = 0; i < 3 * times; i++) {
		prctl(PR_SET_NAME, names[i % 3]);
		if (work(i) != i + 1)
			wrong("work(%ld) is wrong", i);
	}
	calls[0] += 4 * times;
}
