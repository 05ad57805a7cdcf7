/*
 * "run 7" forks inside the probed call: a child and a grandchild stay, which never leave that call, call the function
 * themselves and check what it gives. Every later run looks whether they go on. They end a minute later at the latest.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 25
 * options: -O2 -fno-inline
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tracee.h"

enum { HEIRS = 2 };

struct heir {
	volatile long rounds;
	volatile long wrong;
};

static struct heir *heirs;

static long work(long n, long forks);

static void inherit(struct heir *heir)
{
	alarm(60);
	for (long i = 0;; i++) {
		if (work(i, 0) != 3 * i + 1)
			heir->wrong++;
		heir->rounds++;
		usleep(100);
	}
}

static __attribute__((noclone)) void become_parent(void)
{
	heirs = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (heirs == MAP_FAILED) {
		wrong("no memory");
		return;
	}
	if (fork() == 0) {
		int second = fork() == 0;
		inherit(&heirs[second]);
	}
}

static __attribute__((noclone)) long finish(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

/* Leaves by a jump, so a probe of its return stands on the stack. */
static __attribute__((noclone)) long work(long n, long forks)
{
	__asm__ volatile("" : "+r"(n));
	if (forks)
		become_parent();
	return finish(3 * n);
}

static void work_on(long times)
{
	probes = 2;
	for (long i = 0; i < times; i++) {
		if (work(i, times == 7 && i == 0) != 3 * i + 1)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
		calls[1]++;
	}
	for (int i = 0; heirs && i < HEIRS; i++) {
		long rounds = heirs[i].rounds;
		for (int wait = 0; wait < 100000 && heirs[i].rounds <= rounds + 1; wait++)
			usleep(100);
		if (heirs[i].rounds <= rounds + 1)
			wrong("heir %d stands still", i);
		if (heirs[i].wrong)
			wrong("heir %d got %ld wrong results", i, heirs[i].wrong);
	}
}
