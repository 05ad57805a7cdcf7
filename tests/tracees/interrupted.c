/*
 * A handler runs most of the time, for milliseconds, and what it has interrupted is most often one of the short instructions
 * that a probe of the function moves: an attach has to move the program counter in the signal frame. Two signals nest, one
 * of them on a stack of its own.
 *
 * probes: uprobe:work uprobe:work+8
 * requirements: 17
 * options: -O2
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "tracee.h"

long work(long n);

/* Seven instructions of one to three bytes that need a while each. */
__asm__(".text\n.p2align 4\n.globl work\n.type work,@function\nwork:\n"
	"mov %rdi, %rax\n"
	"cqo\n"
	"push %rbx\n"
	"mov $1, %bl\n"
	"pop %rbx\n"
	"inc %rax\n"
	"inc %rax\n"
	"ret\n.size work, .-work\n.p2align 4\n");

static volatile long made;
static char other_stack[65536];

static void spin(long micros)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 < micros);
}

static void interrupted(int signal)
{
	made++;
	spin(signal == SIGPROF ? 1000 : 300);
}

static void work_on(long times)
{
	struct sigaction action = { .sa_handler = interrupted, .sa_flags = SA_RESTART };
	struct itimerval every = { { 0, 1500 }, { 0, 1500 } }, often = { { 0, 700 }, { 0, 700 } }, never = { { 0, 0 }, { 0, 0 } };
	stack_t stack = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) };

	probes = 2;
	sigaltstack(&stack, NULL);
	sigaction(SIGPROF, &action, NULL);
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_PROF, &every, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (long i = 0; i < times * 100; i++)
		if (work(i) != i + 2)
			wrong("work(%ld) is wrong", i);
	setitimer(ITIMER_PROF, &never, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	calls[0] += times * 100;
	calls[1] += times * 100;
}
