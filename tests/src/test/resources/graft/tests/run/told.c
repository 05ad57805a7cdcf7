/*
 * Does what standard input says and then answers with its process id: "call N" calls work, "parent N" calls getppid, "thread N"
 * starts threads one after another, "both N" calls work and getppid N times each, at the same time in two threads,
 * "alarm N" interrupts the program every N microseconds from then on, for most of the time, "wait N" reads a byte N calls
 * deep, each of them by two jumps, "fall N" the same on a large stack, "deep N" reads one N plain calls deep, "tight N" calls work and tight N times each, "with N" calls
 * work with N, "zero N" calls it N times with 0.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <sys/time.h>

static long times;
static long asleep;

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" ::: "memory");
	return 2 * n + 1;
}

long waits(long n);

__asm__(".text\n"
	".type waits, @function\nwaits: nop\njmp waits_more\n.size waits, . - waits\n"
	".type waits_more, @function\nwaits_more: nop\njmp waits_deeper\n.size waits_more, . - waits_more\n");

__attribute__((noinline, noclone, used)) static long waits_deeper(long n)
{
	char byte;

	return n ? 2 * waits(n - 1) + 1 : read(0, &byte, 1);
}

long deep(long n);

__asm__(".text\n"
	".type deep, @function\n"
	"deep: test %rdi, %rdi\nje deepest\nsub $8, %rsp\ndec %rdi\ncall deep\nadd $8, %rsp\ninc %rax\nret\n"
	".size deep, . - deep\n");

__attribute__((noinline, noclone, used)) static long deepest(long n)
{
	char byte;

	return read(0, &byte, 1) + n - 1;
}

static void *dive(void *unused)
{
	return deep(times) == times ? NULL : unused;
}

static void *fall(void *unused)
{
	return waits(times) & 1 ? NULL : unused;
}

static void on_a_large_stack(void *(*routine)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *wrong = &times;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64ul << 20);
	pthread_create(&thread, &attributes, routine, &times);
	pthread_join(thread, &wrong);
	if (wrong)
		_exit(9);
}

/* Its first instruction has one byte, and the second is the beginning of a loop. */
long tight(long n);

__asm__(".text\n"
	".type tight, @function\n"
	"tight: push %rbx\n.Lagain: dec %rdi\njg .Lagain\nlea 7(%rdi), %rax\npop %rbx\nret\n"
	".size tight, . - tight\n");

static void *call(void *unused)
{
	for (long i = 0; i < times; i++)
		work(i);
	return unused;
}

static void *parent(void *unused)
{
	for (long i = 0; i < times; i++)
		syscall(SYS_getppid);
	return unused;
}

static void *nothing(void *unused)
{
	return unused;
}

/* Sleeps, so that a tracer finds the program here and not where it was interrupted. */
static void interrupted(int signal)
{
	(void)signal;
	usleep(asleep);
}

static void alarm_every(long micros)
{
	struct sigaction action = { .sa_handler = interrupted, .sa_flags = SA_RESTART };
	struct itimerval every = { { 0, micros }, { 0, micros } };

	asleep = micros / 2;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

int main(void)
{
	char what[16];
	pthread_t thread;

	while (scanf("%15s %ld", what, &times) == 2) {
		if (!strcmp(what, "call")) {
			call(NULL);
		} else if (!strcmp(what, "parent")) {
			parent(NULL);
		} else if (!strcmp(what, "both")) {
			pthread_create(&thread, NULL, call, NULL);
			parent(NULL);
			pthread_join(thread, NULL);
		} else if (!strcmp(what, "alarm")) {
			alarm_every(times);
		} else if (!strcmp(what, "wait")) {
			if (waits(times) != (2l << times) - 1)
				return 9;
		} else if (!strcmp(what, "tight")) {
			for (long i = 0; i < times; i++)
				if (work(i) != 2 * i + 1 || tight(3) != 7)
					return 9;
		} else if (!strcmp(what, "deep")) {
			on_a_large_stack(dive);
		} else if (!strcmp(what, "fall")) {
			on_a_large_stack(fall);
		} else if (!strcmp(what, "with")) {
			work(times);
		} else if (!strcmp(what, "zero")) {
			for (long i = 0; i < times; i++)
				work(0);
		} else if (!strcmp(what, "thread")) {
			for (long i = 0; i < times; i++) {
				pthread_create(&thread, NULL, nothing, NULL);
				pthread_join(thread, NULL);
			}
		}
		printf("%d\n", getpid());
		fflush(stdout);
	}
	return 0;
}
