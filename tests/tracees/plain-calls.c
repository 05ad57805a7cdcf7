/*
 * One thread that makes the same calls each time: by functions of the C library, by their number, by code in which two
 * calls are too near to each other for a jump behind the first and one before the second, and by a function that nothing but
 * one byte is behind the call of.
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

/* As in Go's runtime.raise. */
static long neighbours(int first, int second, long *result)
{
	long one, two;

	__asm__ volatile("syscall; mov %%rax, %1; mov %%ebx, %%eax; syscall"
			 : "=a"(two), "=&r"(one)
			 : "0"(first), "b"(second)
			 : "rcx", "r11", "memory");
	*result = one;
	return two;
}

/* As a second try in musl, which only some of the calls reach. */
static long second_try(long number, int again)
{
	long result;

	__asm__ volatile("mov %1, %%rax; mov %%rdi, %%rsi; syscall; cmp %2, %%eax; jne 1f; mov %1, %%rax; syscall; 1: nopl 0(%%rax)"
			 : "=&a"(result)
			 : "r"(number), "r"(again), "D"(0L)
			 : "rcx", "r11", "rsi", "memory");
	return result;
}

/* As __vm_unlock of musl, whose last byte is its return. */
long last_call(void);
long behind_it(void);
__asm__(".pushsection .text\n"
	".type last_call, @function\n"
	"last_call: mov $110, %eax; syscall; ret\n"
	".size last_call, . - last_call\n"
	".type behind_it, @function\n"
	"behind_it: mov $7, %eax; ret\n"
	".size behind_it, . - behind_it\n"
	".popsection");

static void work_on(long times)
{
	probes = 1;
	for (long i = 0; i < times; i++) {
		if (syscall(SYS_getppid) != getppid() || lseek(-7, 0x123456789a, 3) != -1 || errno != EBADF)
			wrong("a call");
		if (syscall(SYS_gettid) != gettid() || syscall(-5) != -1 || errno != ENOSYS || work(i) != i + 1)
			wrong("a call by its number");
		long parent, own = neighbours(SYS_getppid, SYS_getpid, &parent);
		if (own != getpid() || parent != getppid())
			wrong("two calls next to each other");
		if (last_call() != parent || behind_it() != 7)
			wrong("a call right before a return");
		if (second_try(SYS_gettid, i % 2 ? gettid() : 0) != gettid())
			wrong("a second try");
		calls[0]++;
	}
}
