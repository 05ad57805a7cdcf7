/*
 * Threads that begin children in every way there is, and others that wait in calls, all under signals that come all the
 * time: with handlers after which calls are restarted in every other turn, and after which they are not in the others.
 *
 * probes: uprobe:work
 * requirements: 17 25
 * options: -O2 -pthread -Wno-clobbered -Wno-unused-result
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracee.h"

enum { PARENTS = 5, WAITERS = 6, BYTES = 65536 };

extern char **environ;
static volatile int restarting, ended;
static long interruptions;
static __thread int handled;

static void on_signal(int signal)
{
	int error = errno;

	(void)signal;
	handled++;
	if (lseek(-7, 1, 3) != -1 || errno != EBADF || syscall(SYS_gettid) != gettid())
		wrong("calls in a handler");
	errno = error;
}

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

static int cloned(void *number)
{
	return (int)(long)number + (getppid() > 0);
}

static pid_t by_clone3(void)
{
	struct clone_args arguments = { .exit_signal = SIGCHLD };
	pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);

	if (!child)
		_exit(3);
	return child;
}

/* A child of the n-th kind, which ends with status n. */
static pid_t child_of(long kind, char *stack)
{
	static char *const program[] = { "/bin/sh", "-c", "exit 4", NULL };
	pid_t child = -1;

	switch (kind) {
	case 0:
		child = fork();
		if (!child)
			_exit(getppid() > 0 ? 0 : 9);
		return child;
	case 1:
		child = vfork();
		if (!child)
			_exit(1);
		return child;
	case 2:
		return clone(cloned, stack + BYTES, SIGCHLD, (void *)1);
	case 3:
		return by_clone3();
	case 4:
		if (posix_spawn(&child, program[0], NULL, NULL, program, environ))
			return -1;
		return child;
	case 5:
		child = vfork();
		if (!child) {
			char *const arguments[] = { "/bin/sh", "-c", "exit 5", NULL };
			execve("/bin/sh", arguments, environ);
			_exit(9);
		}
		return child;
	default:
		return clone(cloned, stack + BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)5);
	}
}

static void *parent(void *times)
{
	char *stack = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (long i = 0; i < (long)times * 7; i++) {
		int status = 0;
		pid_t child = child_of(i % 7, stack);
		pid_t found;
		while ((found = waitpid(child, &status, 0)) < 0 && errno == EINTR)
			;
		if (child < 0 || found != child || !WIFEXITED(status) || WEXITSTATUS(status) != i % 7)
			wrong("child %ld: pid %d of %d, status %x", i % 7, found, child, status);
	}
	munmap(stack, BYTES);
	return NULL;
}

/* What signals never change: EINTR is given only where it is to be, and only after a handler. */
static int again(const char *call, long result, int may_restart, int before)
{
	if (result != -1 || errno != EINTR)
		return 0;
	if (handled == before)
		wrong("%s interrupted by nothing", call);
	if (restarting && may_restart)
		wrong("%s was not restarted", call);
	__atomic_fetch_add(&interruptions, 1, __ATOMIC_RELAXED);
	return 1;
}

/* A byte goes around: the i-th waiter reads from one pair of sockets and writes to the next. */
static int pairs[WAITERS][2];
static const char *const waits[WAITERS] = { "read", "recv", "poll", "ppoll", "epoll_wait", "select" };

static long get(long i, char *byte, int *before)
{
	struct pollfd poll_in = { pairs[i][0], POLLIN, 0 };
	struct epoll_event event = { .events = EPOLLIN };
	long result = 1;

	switch (i) {
	case 0:
		return read(pairs[i][0], byte, 1);
	case 1:
		return recv(pairs[i][0], byte, 1, 0);
	case 2:
		result = poll(&poll_in, 1, -1);
		break;
	case 3:
		result = ppoll(&poll_in, 1, NULL, NULL);
		break;
	case 4: {
		int fd = epoll_create1(0);
		epoll_ctl(fd, EPOLL_CTL_ADD, pairs[i][0], &event);
		result = epoll_wait(fd, &event, 1, -1);
		int error = errno;
		close(fd);
		errno = error;
		break;
	}
	default: {
		fd_set set;
		FD_ZERO(&set);
		FD_SET(pairs[i][0], &set);
		result = select(pairs[i][0] + 1, &set, NULL, NULL, NULL);
	}
	}
	if (result != 1)
		return result;
	*before = handled;
	return recv(pairs[i][0], byte, 1, MSG_DONTWAIT);
}

static void *waiter(void *index)
{
	long i = (long)index, result;
	char byte = 0, expected = 0;

	for (;;) {
		int before = handled;
		do
			before = handled;
		while (again(waits[i], result = get(i, &byte, &before), i < 2, before));
		if (result != 1 || (byte != expected && byte != 127))
			wrong("waiter %ld: %ld, %d instead of %d, errno %d", i, result, byte, expected, errno);
		expected = (char)((byte + 1) % 100);
		if (byte == 127 && i == 0 && ended > 1)
			return NULL;
		char next = byte;
		if (i == WAITERS - 1 && byte != 127)
			next = (char)((byte + 1) % 100);
		if (ended == 1 && i == 0) {
			ended = 2;
			next = 127;
		}
		do
			before = handled;
		while (again("write", result = write(pairs[(i + 1) % WAITERS][1], &next, 1), 1, before));
		if (result != 1)
			wrong("waiter %ld writes: %ld, errno %d", i, result, errno);
		if (next == 127 && i != 0)
			return NULL;
		if (next == 127 || problem[0])
			expected = 127;
	}
}

static void *sleeper(void *unused)
{
	struct timespec begin, end;

	while (!ended) {
		struct timespec time = { 0, 3000000 }, left;
		clock_gettime(CLOCK_MONOTONIC, &begin);
		int before = handled;
		while (again("nanosleep", nanosleep(&time, &left), 0, before)) {
			time = left;
			before = handled;
		}
		clock_gettime(CLOCK_MONOTONIC, &end);
		if ((end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec < 3000000)
			wrong("a sleep was short");
	}
	return unused;
}

static void work_on(long times)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct timespec pause = { 0, 100000 };
	pthread_t parents[PARENTS], waiters[WAITERS + 1];
	char first = 0;

	/* While a process is traced the kernel queues what it ignores, and wakes any thread for the end of a child. */
	sigset_t children;
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &children, NULL);
	probes = 1;
	for (long turn = 0; turn < times / 200 + 2; turn++) {
		restarting = turn % 2 == 0;
		ended = 0;
		action.sa_flags = restarting ? SA_RESTART : 0;
		sigaction(SIGUSR1, &action, NULL);
		for (int i = 0; i < WAITERS; i++)
			if (socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]))
				wrong("no sockets");
		for (long i = 0; i < WAITERS; i++)
			pthread_create(waiters + i, NULL, waiter, (void *)i);
		pthread_create(waiters + WAITERS, NULL, sleeper, NULL);
		for (int i = 0; i < PARENTS; i++)
			pthread_create(parents + i, NULL, parent, (void *)2L);
		write(pairs[0][1], &first, 1);
		for (int storm = 0; storm < 200; storm++) {
			for (int i = 0; i < WAITERS + 1; i++)
				pthread_kill(waiters[i], SIGUSR1);
			for (int i = 0; i < PARENTS && storm % 8 == 0; i++)
				if (storm < 100)
					pthread_kill(parents[i], SIGUSR1);
			nanosleep(&pause, NULL);
		}
		for (int i = 0; i < PARENTS; i++)
			pthread_join(parents[i], NULL);
		ended = 1;
		for (int i = 0; i < WAITERS + 1; i++)
			pthread_join(waiters[i], NULL);
		for (int i = 0; i < WAITERS; i++) {
			close(pairs[i][0]);
			close(pairs[i][1]);
		}
		if (work(turn) != turn + 1)
			wrong("work(%ld) is wrong", turn);
		calls[0]++;
	}
	if (!interruptions)
		wrong("no call was interrupted");
}
