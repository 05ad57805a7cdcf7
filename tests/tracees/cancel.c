/*
 * Threads that end inside the probed function: cancelled in a blocking call, by pthread_exit, and by their own return.
 * Cleanup handlers run, in order.
 *
 * probes: uprobe:work
 * requirements: 20 27
 * options: -O1 -pthread
 */
#include <pthread.h>
#include <unistd.h>

#include "tracee.h"

static int ends[2];
static __thread long order;
static long cleaned;

static void clean(void *expected)
{
	if (order-- != (long)expected)
		wrong("cleanup handlers ran out of order");
	__atomic_fetch_add(&cleaned, 1, __ATOMIC_RELAXED);
}

__attribute__((noinline, noclone)) long work(long how, long depth)
{
	volatile long result;
	char byte;

	pthread_cleanup_push(clean, (void *)depth);
	order = depth;
	if (depth < 5)
		result = work(how, depth + 1);
	else if (how == 0)
		result = read(ends[0], &byte, 1);
	else if (how == 1)
		pthread_exit((void *)7);
	else
		result = 9;
	order = depth;
	pthread_cleanup_pop(1);
	return result;
}

static void *thread_main(void *how)
{
	return (void *)work((long)how, 1);
}

static void work_on(long times)
{
	long expected = 5 * times;

	probes = 1;
	cleaned = 0;
	if (!ends[0] && pipe(ends))
		wrong("no pipe");
	for (long i = 0; i < times; i++) {
		pthread_t thread;
		void *result = NULL;
		long how = i % 3;
		pthread_create(&thread, NULL, thread_main, (void *)how);
		if (how == 0)
			pthread_cancel(thread);
		pthread_join(thread, &result);
		if (result != (how == 0 ? PTHREAD_CANCELED : how == 1 ? (void *)7 : (void *)9))
			wrong("the thread gave %p", result);
		calls[0] += 5;
	}
	if (cleaned != expected)
		wrong("%ld of %ld cleanup handlers ran", cleaned, expected);
}
