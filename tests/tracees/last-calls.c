/*
 * Threads that wait in system calls which only a return is behind, in one byte. Signals interrupt them: some calls are begun
 * anew by the kernel, some end with EINTR, some are left by siglongjmp; the handler makes such a call too.
 *
 * probes: uprobe:work
 * requirements: 4 17 30
 * options: -O2 -pthread
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tracee.h"

#define THREADS 3

long read_there(int file, void *to, long size);
long parent_there(void);
__asm__(".pushsection .text\n"
	".type read_there, @function\n"
	"read_there: mov $0, %eax; syscall; ret\n"
	".size read_there, . - read_there\n"
	".type parent_there, @function\n"
	"parent_there: mov $110, %eax; syscall; ret\n"
	".size parent_there, . - parent_there\n"
	".type end_there, @function\n"
	"end_there: ret\n"
	".size end_there, . - end_there\n"
	".popsection");

/* What a thread's handler does: the numbers of the signals from SIGRTMIN on. */
enum { RESTART, INTERRUPT, LEAVE, WAYS };

static int pipes[THREADS][2], answers[THREADS][2];
static pthread_t threads[THREADS];
static atomic_long handled;
static __thread sigjmp_buf again;
static __thread volatile sig_atomic_t waits;

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

static void interrupted(int number)
{
	if (parent_there() != getppid())
		wrong("the parent in a handler");
	handled++;
	if (number == SIGRTMIN + LEAVE && waits) {
		waits = 0;
		siglongjmp(again, 1);
	}
}

static void *reader(void *index)
{
	long i = (long)index;

	for (;;) {
		char text[8] = "";
		long result;
		sigsetjmp(again, 1);
		do {
			waits = 1;
			result = read_there(pipes[i][0], text, 1);
			waits = 0;
		} while (result == -EINTR);
		if (result != 1 || text[0] != 'x' || text[1])
			wrong("a read returned %ld", result);
		if (write(answers[i][1], text, 1) != 1)
			abort();
	}
	return NULL;
}

static void begin(void)
{
	for (int way = 0; way < WAYS; way++) {
		struct sigaction action = { .sa_handler = interrupted, .sa_flags = way == RESTART ? SA_RESTART : 0 };
		sigaction(SIGRTMIN + way, &action, NULL);
	}
	for (long i = 0; i < THREADS; i++)
		if (pipe(pipes[i]) || pipe(answers[i]) || pthread_create(&threads[i], NULL, reader, (void *)i))
			abort();
}

static void work_on(long times)
{
	static int begun;

	probes = 1;
	if (!begun++)
		begin();
	for (long i = 0; i < times; i++) {
		char text;
		int thread = i % THREADS;
		long before = handled;
		for (int signals = 0; signals < 2; signals++)
			pthread_kill(threads[thread], SIGRTMIN + i % WAYS);
		/* Who leaves a read that has an answer loses it. */
		while (handled < before + 2)
			sched_yield();
		if (write(pipes[thread][1], "x", 1) != 1 || read(answers[thread][0], &text, 1) != 1)
			wrong("no answer");
		if (parent_there() != getppid())
			wrong("the parent");
		if (work(i) != i + 1)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
	}
}
