/*
 * The program's own handlers of SIGTRAP, SIGSEGV, SIGILL, SIGBUS and SIGSYS get its own breakpoints and faults, in and
 * around the probed function, and sigaction reads back what was set.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 29
 * options: -O2
 */
#define _GNU_SOURCE
#include <signal.h>
#include <ucontext.h>

#include "tracee.h"

static volatile long seen[65];

/* What each case does, and how many bytes its instruction has. */
static void handle(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)info;
	seen[signal]++;
	if (signal == SIGSEGV)
		registers[REG_RIP] += 3; /* mov (%rdx), %rax */
	else if (signal == SIGILL)
		registers[REG_RIP] += 2; /* ud2 */
}

__attribute__((noinline, noclone)) long work(long n)
{
	long result = n;

	__asm__ volatile("int3\n\t.byte 0x48, 0x8b, 0x02\n\tud2" : "+a"(result) : "d"(8) : "memory");
	return result + 1;
}

static void work_on(long times)
{
	static const int signals[] = { SIGTRAP, SIGSEGV, SIGILL, SIGBUS, SIGSYS };
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_NODEFER }, now;

	probes = 2;
	for (int i = 0; i < 5; i++)
		sigaction(signals[i], &action, NULL);
	memset((void *)seen, 0, sizeof seen);
	for (long i = 0; i < times; i++) {
		if (work(i) != i + 1)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
		calls[1]++;
	}
	for (int i = 0; i < 5; i++) {
		sigaction(signals[i], NULL, &now);
		if (now.sa_sigaction != handle || (now.sa_flags & ~0x04000000) != (SA_SIGINFO | SA_NODEFER))
			wrong("the handler of signal %d was changed", signals[i]);
		if (seen[signals[i]] != (i < 3 ? times : 0))
			wrong("signal %d came %ld times in %ld calls", signals[i], seen[signals[i]], times);
	}
}
