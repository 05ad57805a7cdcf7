/*
 * Functions that a program leaves before they have begun, or whose arguments and results it changes, called by eight threads.
 * For odd arguments the result may be the program's, which is a million more than the argument; each function counts how
 * often its own instructions run.
 *
 * probes: uprobe:plain uprobe:stacked uprobe:carried uprobe:passes_on uprobe:behind
 * options: -O2 -mno-red-zone -pthread
 */
#include <pthread.h>

#include "tracee.h"

enum { THREADS = 8, PROGRAMS = 1000000, GAIN = 0x10203 };

#define NOINLINE __attribute__((noinline, noclone, noipa))

static void ran(int function)
{
	__atomic_fetch_add(&calls[function], 1, __ATOMIC_RELAXED);
}

NOINLINE long plain(long n)
{
	ran(0);
	return 2 * n;
}

NOINLINE long stacked(long n, long b, long c, long d, long e, long f, long g, long h)
{
	ran(1);
	return n + b + c + d + e + f + 10 * g + 100 * h;
}

/* Takes the carry flag. */
long carried(long n);
static long *__attribute__((used)) carried_ran = &calls[2];
__asm__(".text\n"
	".globl carried\n"
	".type carried, @function\n"
	"carried:\n"
	"	adc $0x10203, %rdi\n" /* 7 bytes */
	"	mov carried_ran(%rip), %rdx\n"
	"	lock incq (%rdx)\n"
	"	mov %rdi, %rax\n"
	"	ret\n"
	".size carried, . - carried\n");

NOINLINE long behind(long n)
{
	ran(4);
	return n + 3;
}

static long (*volatile next)(long) = behind;

/* Ends with a jump that can be followed only when it is made. */
NOINLINE long passes_on(long n)
{
	ran(3);
	return next(n + 1);
}

/* Never returns. */
NOINLINE __attribute__((noreturn)) void never(long n)
{
	for (;;)
		ran((int)n);
}

static long call_carried(long n, int carry)
{
	long result;

	__asm__ volatile("bt $0, %2\n\tcall carried"
			 : "=a"(result), "+D"(n)
			 : "r"(carry)
			 : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "cc", "memory");
	return result;
}

static void check(const char *function, long n, long result, long own, long programs)
{
	if (result != own && !(programs && result == programs))
		wrong("%s(%ld) is %ld", function, n, result);
}

/* What a program may make of n. */
static long changed(long n)
{
	return n & 1 ? n + PROGRAMS : 0;
}

static void *work_alone(void *argument)
{
	long times = (long)argument;

	for (long n = 0; n < times; n++) {
		long elsewhere = passes_on(n);

		check("plain", n, plain(n), 2 * n, changed(n));
		check("stacked", n, stacked(n, 1, 2, 3, 4, 5, 6, 7), n + 775, changed(n));
		check("carried", n, call_carried(n, n & 2 ? 1 : 0), n + GAIN + (n & 2 ? 1 : 0), changed(n));
		if (elsewhere != changed(n + 1))
			check("passes_on", n, elsewhere, n + 4, changed(n));
	}
	return NULL;
}

static void work_on(long times)
{
	pthread_t threads[THREADS];

	if (times < 0)
		never(times);
	probes = 5;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work_alone, (void *)times);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}
