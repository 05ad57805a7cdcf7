/*
 * A thread that waits, where no signal reaches it, for a vfork child that sleeps for a tenth of a second.
 *
 * probes: uprobe:work
 * requirements: 34
 * options: -O2 -Wno-clobbered
 */
#define _GNU_SOURCE
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracee.h"

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return 3 * n + 1;
}

static void work_on(long times)
{
	int status;

	probes = 1;
	for (long i = 0; i < times / 200 + 1; i++) {
		pid_t child = vfork();
		if (!child) {
			struct timespec time = { 0, 100000000 };
			nanosleep(&time, NULL);
			_exit(5);
		}
		if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 5)
			wrong("a child ended with status %x", status);
		if (work(i) != 3 * i + 1)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
	}
}
