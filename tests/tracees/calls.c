/*
 * System calls in all their ways of coming back: restarted behind a signal's handler, interrupted, twice by clone, fork and
 * vfork, never by exit, with the number in a register, from many threads that begin and end and are cancelled meanwhile.
 *
 * probes: uprobe:work
 * options: -O2 -pthread -Wno-clobbered -Wno-unused-result
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracee.h"

extern char **environ;
static volatile long ticks;

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

static void on_alarm(int signal)
{
	int error = errno;

	(void)signal;
	ticks++;
	syscall(SYS_getppid);
	if (lseek(-7, 0x123456789a, 3) != -1)
		wrong("lseek in a handler");
	errno = error;
}

static void alarms(int flags, long microseconds)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval every = { { 0, microseconds }, { 0, microseconds } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

/* A read that is restarted until a child writes. */
static void restarted(void)
{
	int ends[2];
	char byte = 0;

	if (pipe(ends))
		abort();
	alarms(SA_RESTART, 300);
	pid_t child = fork();
	if (!child) {
		struct timespec time = { 0, 2000000 };
		nanosleep(&time, NULL);
		write(ends[1], "x", 1);
		_exit(0);
	}
	if (read(ends[0], &byte, 1) != 1 || byte != 'x')
		wrong("a restarted read: errno %d", errno);
	alarms(0, 300);
	struct timespec time = { 0, 5000000 }, left;
	while (nanosleep(&time, &left)) {
		if (errno != EINTR)
			wrong("nanosleep: errno %d", errno);
		time = left;
	}
	alarms(0, 0);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	close(ends[0]);
	close(ends[1]);
}

static int cloned(void *number)
{
	return (int)(long)number + (getppid() > 0);
}

static void children(void)
{
	static char *const program[] = { "/bin/true", NULL };
	enum { BYTES = 65536 };
	char *stack = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t child = clone(cloned, stack + BYTES, SIGCHLD, (void *)6);

	if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7)
		wrong("clone: status %x", status);
	child = clone(cloned, stack + BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)7);
	if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 8)
		wrong("clone in the same memory: status %x", status);
	munmap(stack, BYTES);
	child = syscall(SYS_fork);
	if (!child)
		_exit(4);
	if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 4)
		wrong("fork by number: status %x", status);
	child = vfork();
	if (!child) {
		syscall(SYS_getppid);
		_exit(5);
	}
	if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 5)
		wrong("vfork: status %x", status);
	if (posix_spawn(&child, program[0], NULL, NULL, program, environ) || waitpid(child, &status, 0) != child || status)
		wrong("posix_spawn: status %x", status);
}

static void *caller(void *unused)
{
	char byte;

	(void)unused;
	for (int i = 0; i < 50; i++) {
		if (syscall(SYS_getppid) != getppid() || lseek(-7, 0x123456789a, 3) != -1 || errno != EBADF)
			wrong("a thread's calls");
		if (syscall(SYS_gettid) != gettid() || syscall(-5) != -1 || errno != ENOSYS || syscall(4000) != -1)
			wrong("calls by number");
		int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
		if (read(fd, &byte, 1) != 1 || close(fd))
			wrong("open, read, close");
	}
	return unused;
}

static void *waiter(void *end)
{
	char byte;

	read((int)(long)end, &byte, 1);
	return NULL;
}

static void threads(void)
{
	pthread_t all[8], waiting[8];
	int ends[2];

	if (pipe(ends))
		abort();
	for (int i = 0; i < 8; i++) {
		pthread_create(all + i, NULL, caller, NULL);
		pthread_create(waiting + i, NULL, waiter, (void *)(long)ends[0]);
	}
	for (int i = 0; i < 8; i++) {
		void *result;
		pthread_cancel(waiting[i]);
		pthread_join(waiting[i], &result);
		if (result != PTHREAD_CANCELED)
			wrong("a thread was not cancelled");
		pthread_join(all[i], &result);
	}
	close(ends[0]);
	close(ends[1]);
}

static void work_on(long times)
{
	probes = 1;
	for (long i = 0; i < times / 50 + 1; i++) {
		restarted();
		children();
		threads();
		if (work(i) != i + 1)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
	}
}
