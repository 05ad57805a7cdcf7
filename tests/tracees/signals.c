/*
 * A timer interrupts the probed function 10,000 times a second of the thread's CPU time; the handler calls the function
 * too, and leaves by siglongjmp every third time.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 17
 * options: -O2
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include "tracee.h"

static sigjmp_buf again;
static volatile sig_atomic_t may_leave, left, depth;
static volatile long made;

__attribute__((noinline, noclone)) long work(long n)
{
	volatile long kept[8];

	for (int i = 0; i < 8; i++)
		kept[i] = n + i;
	return kept[7] - kept[0] + n;
}

static void interrupted(int signal)
{
	(void)signal;
	if (work(5) != 12)
		wrong("work(5) is wrong in the handler");
	made++;
	if (may_leave && made % 3 == 0) {
		may_leave = 0;
		left++;
		siglongjmp(again, 1);
	}
}

static void work_on(long times)
{
	struct sigaction action = { .sa_handler = interrupted, .sa_flags = SA_RESTART };
	struct itimerval every = { { 0, 100 }, { 0, 100 } }, never = { { 0, 0 }, { 0, 0 } };
	volatile long i = 0;

	/* The calls that a signal cut short cannot be counted, so this tracee gives no numbers. */
	probes = 0;
	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_PROF, &every, NULL);
	sigsetjmp(again, 1);
	for (; i < times * 100; i++) {
		may_leave = 1;
		long result = work(i);
		may_leave = 0;
		if (result != i + 7)
			wrong("work(%ld) gave %ld", i, result);
	}
	setitimer(ITIMER_PROF, &never, NULL);
}
