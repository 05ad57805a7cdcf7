/* Calls by every kind of thread and process, each with its own number; a line is answered by how many there have been. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK 0x40000000
#define THREADS 8

static int *calls;

/* The kernel looks at the lower half; the upper one tells in which namespace the caller is. */
static void call(void)
{
	struct stat namespace;
	stat("/proc/self/ns/pid", &namespace);
	syscall(SYS_getsid, namespace.st_ino << 32 | MARK | __sync_fetch_and_add(calls, 1));
}

static void *calling(void *unused)
{
	call();
	call();
	return unused;
}

static void threads(int many)
{
	pthread_t all[THREADS];
	for (int i = 0; i < many; i++)
		pthread_create(&all[i], 0, calling, 0);
	for (int i = 0; i < many; i++)
		pthread_join(all[i], 0);
}

static void succeed(pid_t child)
{
	int status;
	if (waitpid(child, &status, 0) != child || status)
		_exit(3);
}

/* A child that is seen in its thread first, or by itself, and has a child. */
static void child(int depth)
{
	pid_t pid = fork();
	if (!pid) {
		if (depth & 1)
			call();
		threads(2);
		call();
		if (depth)
			child(depth - 1);
		_exit(0);
	}
	succeed(pid);
}

static int wanted;

static void *calling_as_wanted(void *number)
{
	*(int *)number = gettid();
	if (!wanted || gettid() == wanted)
		call();
	return 0;
}

/* Threads one after another that have the same number: one that has another, because the last is not quite gone, does not call. */
static void same(int many)
{
	char text[16];
	for (int i = 0; i < many; i++) {
		int number;
		do {
			pthread_t thread;
			int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);
			if (wanted && write(file, text, snprintf(text, sizeof(text), "%d", wanted - 1)) < 0)
				_exit(2);
			close(file);
			pthread_create(&thread, 0, calling_as_wanted, &number);
			pthread_join(thread, 0);
		} while (wanted && number != wanted);
		wanted = number;
	}
}

static void twins(void)
{
	for (int i = 0; i < THREADS; i++)
		if (!fork()) {
			call();
			_exit(0);
		}
	while (wait(0) > 0)
		;
}

static void borrowed(void)
{
	pid_t pid = vfork();
	if (!pid) {
		getsid(MARK | __sync_fetch_and_add(calls, 1));
		_exit(0);
	}
	waitpid(pid, 0, 0);
}

/* In a namespace that this process is not in itself; its first process has to stay as long as there are others. */
static void inner(void)
{
	int end[2];
	char byte;
	if (pipe(end) || unshare(CLONE_NEWPID))
		_exit(1);
	pid_t first = fork();
	if (!first) {
		close(end[1]);
		call();
		threads(2);
		child(1);
		_exit(read(end[0], &byte, 1) != 0);
	}
	pid_t second = fork();
	if (!second) {
		call();
		_exit(0);
	}
	succeed(second);
	close(end[1]);
	succeed(first);
	close(end[0]);
}

int main(void)
{
	char line[64];
	calls = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "ready\n")) {
			printf("%d\n", getpid());
			fflush(stdout);
			continue;
		}
		if (!strcmp(line, "threads\n"))
			call(), threads(THREADS), threads(THREADS);
		if (!strcmp(line, "churn\n"))
			for (int i = 0; i < 100; i++)
				threads(1);
		if (!strcmp(line, "same\n"))
			same(50);
		if (!strcmp(line, "children\n"))
			child(3), twins(), borrowed(), call();
		if (!strcmp(line, "inner\n"))
			inner();
		printf("%d\n", *calls);
		fflush(stdout);
	}
	return 0;
}
