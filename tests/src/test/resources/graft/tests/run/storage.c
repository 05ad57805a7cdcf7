/*
 * Does what standard input says and then answers with its process id: "call N" calls work N times, "threads N" has N threads that
 * call it three times each, eight at a time, "same N" has N threads one after another that all have the same number, "detached N"
 * the same, which nobody waits for.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 2000, AT_A_TIME = 8, NUMBERS = 4 };

static long wanted;
static long got;

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" ::: "memory");
	return 2 * n + 1;
}

static void *three(void *n)
{
	for (long i = 0; i < 3; i++)
		work((long)n * 3 + i);
	return NULL;
}

static void threads(long count)
{
	pthread_t threads[AT_A_TIME];

	for (long i = 0; i < count; i += AT_A_TIME) {
		for (long j = 0; j < AT_A_TIME; j++)
			pthread_create(&threads[j], NULL, three, (void *)(i + j));
		for (long j = 0; j < AT_A_TIME; j++)
			pthread_join(threads[j], NULL);
	}
}

/* Does nothing when its number is not the one that is wanted. */
static void *numbered(void *n)
{
	long number = syscall(SYS_gettid);

	if (!wanted || number == wanted)
		three(n);
	__atomic_store_n(&got, number, __ATOMIC_RELEASE);
	return NULL;
}

static void next_number(long number)
{
	char text[24];
	int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);

	if (write(file, text, snprintf(text, sizeof(text), "%ld", number - 1)) < 0)
		_exit(8);
	close(file);
}

static void one(long n, int detached)
{
	pthread_t thread;

	got = 0;
	pthread_create(&thread, NULL, numbered, (void *)n);
	if (detached)
		pthread_detach(thread);
	else
		pthread_join(thread, NULL);
	while (!__atomic_load_n(&got, __ATOMIC_ACQUIRE))
		usleep(10);
}

/* Another one, when somebody else on the machine has taken the number and keeps it. */
static void same(long count, int detached)
{
	long numbers = 0;

	wanted = 0;
	one(0, detached);
	wanted = got;
	for (long i = 1; i < count; i++) {
		long tries = 0;

		do {
			next_number(wanted);
			if (tries++ == TRIES) {
				if (++numbers == NUMBERS)
					_exit(9);
				wanted = 0;
			}
			one(i, detached);
		} while (wanted && got != wanted);
		wanted = got;
	}
}

int main(void)
{
	char what[16];
	long times;

	while (scanf("%15s %ld", what, &times) == 2) {
		if (!strcmp(what, "call"))
			for (long i = 0; i < times; i++)
				work(i);
		if (!strcmp(what, "threads"))
			threads(times);
		if (!strcmp(what, "same"))
			same(times, 0);
		if (!strcmp(what, "detached"))
			same(times, 1);
		printf("%d\n", getpid());
		fflush(stdout);
	}
	return 0;
}
