// Makes the same calls in the same order at each line that it is told, and says what came of them and how many nanoseconds it
// took. What is looked at is called by its number, so that nothing of the C library is between. The last of the two recvfrom has
// nothing to receive: it fails at once, or waits when the line begins with a w.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REAL_TIME 34

static volatile sig_atomic_t handled[65];
static volatile sig_atomic_t code;

static void count(int number, siginfo_t *info, void *context)
{
	(void)context;
	handled[number]++;
	code = info->si_code;
}

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static long began;

static void say(const char *what, long result)
{
	long took = now() - began;
	const char *outcome = result < 0 ? strerrorname_np(errno) : "well";

	printf("%s %s usr1 %d usr2 %d rt %d code %d ns %ld; ", what, outcome, handled[SIGUSR1], handled[SIGUSR2],
	       handled[REAL_TIME], (int)code, took);
	memset((void *)handled, 0, sizeof(handled));
	code = 0;
	began = now();
}

static void *blocking_signals(void *argument)
{
	struct timespec none = {0, 0};
	sigset_t all, pending;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, 0);
	say("blocking", syscall(SYS_getppid));
	sigpending(&pending);
	printf("pending %d %d; ", sigismember(&pending, SIGUSR1), sigismember(&pending, REAL_TIME));
	while (sigtimedwait(&all, 0, &none) > 0)
		;
	return argument;
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO};
	struct timeval long_time = {.tv_sec = 100};
	char line[16];
	int ends[2];

	sigaction(SIGUSR1, &action, 0);
	sigaction(SIGUSR2, &action, 0);
	sigaction(REAL_TIME, &action, 0);
	while (read(0, line, sizeof(line)) > 0) {
		int how = line[0] == 'w' ? 0 : MSG_DONTWAIT;
		int status = 0;
		char byte = 'x';
		pthread_t thread;

		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends))
			return 1;
		setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time));
		began = now();
		for (int i = 0; i < 3; i++)
			say("getppid", syscall(SYS_getppid));
		send(ends[1], &byte, 1, 0);
		say("recvfrom", syscall(SYS_recvfrom, ends[0], &byte, 1, how, 0, 0));
		char bytes[8] = "0123456", name[16] = "no/such/file";
		long filled = syscall(SYS_getrandom, bytes, 0, 0);
		long link = syscall(SYS_readlink, name, bytes + 3, 2);
		printf("getrandom %ld readlink %ld bytes %.7s name %s; ", filled, link, bytes, name);
		say("recvfrom", syscall(SYS_recvfrom, ends[0], &byte, 1, how, 0, 0));
		pthread_create(&thread, 0, blocking_signals, 0);
		pthread_join(thread, 0);
		began = now();
		pid_t child = vfork();
		if (!child)
			_exit(3);
		say("vfork", child);
		waitpid(child, &status, 0);
		printf("child %d\n", WEXITSTATUS(status));
		fflush(stdout);
		close(ends[0]);
		close(ends[1]);
	}
	return 0;
}
