/*
 * One thread that makes the same calls each time: by functions of the C library, and by their number.
 *
 * probes: uprobe:work
 * options: -O2
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracee.h"

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

static void work_on(long times)
{
	probes = 1;
	for (long i = 0; i < times; i++) {
		if (syscall(SYS_getppid) != getppid() || lseek(-7, 0x123456789a, 3) != -1 || errno != EBADF)
			wrong("a call");
		if (syscall(SYS_gettid) != gettid() || syscall(-5) != -1 || errno != ENOSYS || work(i) != i + 1)
			wrong("a call by its number");
		calls[0]++;
	}
}
