/* One system call from places of every kind; a line asks for all of them, and is answered by the pid. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT __attribute__((noipa))

static volatile long sum;

KEPT long by_library(long n) { return sched_get_priority_max(SCHED_OTHER) + n; }

KEPT long by_number(long n) { return syscall(SYS_sched_get_priority_max, SCHED_OTHER) + n; }

KEPT long by_itself(long n)
{
	long result;
	__asm__ volatile("mov $146, %%eax\n\tsyscall\n\tcmp $-4096, %%rax" : "=&a"(result) : "D"(SCHED_OTHER) : "rcx", "r11", "memory", "cc");
	return result + n;
}

KEPT long deep(long n)
{
	long r = n ? deep(n - 1) : by_library(n) + by_number(n) + by_itself(n);
	__asm__ volatile("" : "+r"(r));
	return r + 1;
}

static void handler(int signal) { sum += deep(signal); }

static void *in_thread(void *unused)
{
	sum += deep(2);
	return unused;
}

KEPT static void calls(void)
{
	pthread_t thread;
	sum += by_library(1) + by_number(2) + by_itself(3) + deep(4) + deep(30);
	raise(SIGUSR1);
	pthread_create(&thread, 0, in_thread, 0);
	pthread_join(thread, 0);
}

int main(void)
{
	char line[64];
	signal(SIGUSR1, handler);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "calls\n"))
			calls();
		printf("%d\n", getpid());
		fflush(stdout);
	}
	return 0;
}
