/* Calls by processes and threads that are moved between control groups, each with its own number. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK 0x40000000
#define CALLS 4096

static int *calls;

static void call(void)
{
	syscall(SYS_getsid, MARK | (__sync_fetch_and_add(calls, 1) & (CALLS - 1)));
}

static void *calling(void *unused)
{
	call();
	return unused;
}

static void threads(void)
{
	for (int i = 0; i < 3; i++) {
		pthread_t thread;
		pthread_create(&thread, 0, calling, 0);
		pthread_join(thread, 0);
	}
}

static void succeed(pid_t child)
{
	int status;
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		_exit(3);
}

static void enter(const char *path)
{
	char file[4096];
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	int procs = open(file, O_WRONLY);
	if (write(procs, "0", 1) != 1)
		_exit(4);
	close(procs);
}

/* Children are in their parents' groups until they go elsewhere, here before they are seen for the first time. */
static void children(const char *elsewhere, int depth)
{
	pid_t pid = fork();
	if (!pid) {
		if (depth == 1)
			enter(elsewhere);
		if (depth)
			children(elsewhere, depth - 1);
		call();
		threads();
		_exit(0);
	}
	succeed(pid);
	pid = vfork();
	if (!pid) {
		call();
		_exit(0);
	}
	waitpid(pid, 0, 0);
}

/* A child that begins in another group than its parent's. */
static void child_in(const char *path)
{
	struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	arguments.cgroup = open(path, O_RDONLY | O_DIRECTORY);
	pid_t pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (!pid) {
		call();
		_exit(0);
	}
	succeed(pid);
	close(arguments.cgroup);
}

static sem_t wanted, done;

static void *standing(void *number)
{
	*(volatile int *)number = gettid();
	sem_post(&done);
	for (;;) {
		sem_wait(&wanted);
		call();
		sem_post(&done);
	}
	return 0;
}

static int stand(void)
{
	static int number;
	pthread_t thread;
	sem_init(&wanted, 0, 0);
	sem_init(&done, 0, 0);
	pthread_create(&thread, 0, standing, &number);
	sem_wait(&done);
	return number;
}

int main(void)
{
	char line[4096], path[4096];
	calls = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	while (fgets(line, sizeof(line), stdin)) {
		int answer = 0;
		if (!strcmp(line, "call\n"))
			call();
		if (!strcmp(line, "threads\n"))
			call(), threads();
		if (sscanf(line, "children %s", path) == 1)
			children(path, 3), call();
		if (sscanf(line, "into %s", path) == 1)
			child_in(path);
		if (!strcmp(line, "stand\n"))
			answer = stand();
		if (!strcmp(line, "both\n"))
			call(), sem_post(&wanted), sem_wait(&done), threads();
		printf("%d\n", answer ? answer : *calls);
		fflush(stdout);
	}
	return 0;
}
