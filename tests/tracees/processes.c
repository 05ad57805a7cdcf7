/*
 * Children by fork, vfork, posix_spawn and exec of the program itself: they are not targets, and the parent still is.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 25 26
 * options: -O2 -Wno-clobbered
 */
#define _GNU_SOURCE
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracee.h"

extern char **environ;

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return 3 * n + 1;
}

static void wait_for(pid_t child, int expected)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		wrong("no child");
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
		wrong("a child ended with status %x", status);
}

static void work_on(long times)
{
	static char *const true_program[] = { "/bin/true", NULL };

	probes = 2;
	for (long i = 0; i < times / 20 + 1; i++) {
		pid_t child = fork();
		if (!child)
			_exit(work(10) == 31 ? 3 : 4);
		wait_for(child, 3);
		child = vfork();
		if (!child)
			_exit(5);
		wait_for(child, 5);
		child = vfork();
		if (!child) {
			execve(true_program[0], true_program, environ);
			_exit(6);
		}
		wait_for(child, 0);
		if (posix_spawn(&child, true_program[0], NULL, NULL, true_program, environ))
			child = -1;
		wait_for(child, 0);
		if (work(i) != 3 * i + 1)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
		calls[1]++;
	}
}
