/*
 * A thousand threads that sleep, a few that work: every stop holds them all.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 32
 * options: -O2 -pthread
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "tracee.h"

enum { SLEEPERS = 1000, WORKERS = 4, STACK = 65536 };

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("lea 0x10203(%0), %0" : "+r"(n));
	return n;
}

static void *sleep_alone(void *argument)
{
	for (;;) {
		struct timespec time = { 3600, 0 };
		nanosleep(&time, NULL);
		wrong("a sleep has ended");
	}
	return argument;
}

static void *work_alone(void *argument)
{
	long times = (long)argument;

	for (long i = 0; i < times; i++)
		if (work(i) != i + 0x10203)
			wrong("work(%ld) is wrong", i);
	return NULL;
}

static void work_on(long times)
{
	static int started;
	pthread_t threads[WORKERS], sleeper;
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	while (started < SLEEPERS && !pthread_create(&sleeper, &small, sleep_alone, NULL))
		started++;
	if (started < SLEEPERS)
		wrong("only %d threads", started);
	probes = 2;
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, work_alone, (void *)times);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	calls[0] += WORKERS * times;
	calls[1] += WORKERS * times;
}
