/*
 * Contexts that are switched inside the probed function and go on in another thread.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 23
 * options: -O1 -pthread
 */
#include <pthread.h>
#include <ucontext.h>

#include "tracee.h"

enum { FIBERS = 8, STACK = 1 << 16 };

static ucontext_t fibers[FIBERS], *volatile home;
static char stacks[FIBERS][STACK];
static long sums[FIBERS], rounds;
static int ended[FIBERS];

__attribute__((noinline, noclone)) long work(int fiber, long n)
{
	volatile long kept = n;

	swapcontext(&fibers[fiber], home);
	return kept * 2 + 1;
}

static void fiber_main(int fiber)
{
	for (long i = 0; i < rounds; i++)
		sums[fiber] += work(fiber, i);
	ended[fiber] = 1;
	swapcontext(&fibers[fiber], home);
}

/* One step of every fiber that has not ended. */
static void *step(void *unused)
{
	ucontext_t here;

	for (int fiber = 0; fiber < FIBERS; fiber++)
		if (!ended[fiber]) {
			home = &here;
			swapcontext(&here, &fibers[fiber]);
		}
	return unused;
}

static void work_on(long times)
{
	probes = 2;
	rounds = times / 20 + 1;
	for (int fiber = 0; fiber < FIBERS; fiber++) {
		sums[fiber] = ended[fiber] = 0;
		getcontext(&fibers[fiber]);
		fibers[fiber].uc_stack.ss_sp = stacks[fiber];
		fibers[fiber].uc_stack.ss_size = STACK;
		makecontext(&fibers[fiber], (void (*)(void))fiber_main, 1, fiber);
	}
	for (long i = 0; i <= rounds; i++) {
		pthread_t thread;
		if (i % 2)
			step(NULL);
		else if (pthread_create(&thread, NULL, step, NULL))
			wrong("no thread");
		else
			pthread_join(thread, NULL);
	}
	for (int fiber = 0; fiber < FIBERS; fiber++)
		if (!ended[fiber] || sums[fiber] != rounds * rounds)
			wrong("fiber %d added up %ld in %ld rounds", fiber, sums[fiber], rounds);
	calls[0] = calls[1] = FIBERS * rounds;
}
