/*
 * Does what standard input says and then answers with its process id: "call N" calls work, "parent N" calls getppid, "thread N"
 * starts threads one after another, "both N" calls work and getppid N times each, at the same time in two threads.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

static long times;

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" ::: "memory");
	return 2 * n + 1;
}

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
