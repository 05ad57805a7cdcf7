/* Does what standard input says, one line each: "call N", "thread N", "open N" or "parent N"; answers "done". */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" ::: "memory");
	return 2 * n + 1;
}

static void *call(void *unused)
{
	work(1);
	return unused;
}

int main(void)
{
	char what[16];
	long times;
	pthread_t thread;
	volatile long sum = 0;

	while (scanf("%15s %ld", what, &times) == 2) {
		for (long i = 0; i < times; i++) {
			if (!strcmp(what, "call"))
				sum += work(i);
			else if (!strcmp(what, "thread"))
				sum += pthread_create(&thread, NULL, call, NULL) || pthread_join(thread, NULL);
			else if (!strcmp(what, "open"))
				close((int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 0));
			else if (!strcmp(what, "parent"))
				syscall(SYS_getppid);
		}
		puts("done");
		fflush(stdout);
	}
	return 0;
}
