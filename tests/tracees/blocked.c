/*
 * Threads that wait in system calls, each in another one, most of which end early with EINTR when a thread is interrupted
 * (signal(7), "Interruption of system calls and library functions by stop signals"). None of them may return.
 *
 * probes: uprobe:work
 * requirements: 4 30
 * options: -O2 -pthread
 */
#include "waits.h"

static void *wait_in(void *index)
{
	long i = (long)index;
	long result = waits[i].call();

	wrong("%s returned %ld, errno %d", waits[i].name, result, errno);
	return NULL;
}

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

static void work_on(long times)
{
	static int started;

	probes = 1;
	/* Message queues and semaphores of this process end with it. */
	if (!started && unshare(CLONE_NEWIPC))
		wrong("no IPC namespace: errno %d", errno);
	for (; started < WAITS; started++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, wait_in, (void *)(long)started))
			abort();
	}
	for (long i = 0; i < times; i++) {
		if (work(i) != i + 1)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
	}
}
