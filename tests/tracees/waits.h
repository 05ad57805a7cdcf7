/* System calls that wait for what never comes, each with all that it needs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracee.h"


static const struct timespec long_time = { 100000, 0 };

static int quiet_pipe(void)
{
	int ends[2];

	if (pipe(ends))
		abort();
	return ends[0];
}

static int quiet_socket(int timeout)
{
	struct timeval time = { timeout, 0 };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time))
		abort();
	return ends[0];
}

static int listening_socket(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(fd, (void *)&name, sizeof(sa_family_t)) || listen(fd, 1))
		abort();
	return fd;
}

static int epoll_of(int fd)
{
	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		abort();
	return epoll;
}

static char byte[64];
static int word;

#define CALL(name, ...) static long name(void) { __VA_ARGS__ }

CALL(c_read, return read(quiet_pipe(), byte, 1);)
CALL(c_poll, struct pollfd f = { quiet_pipe(), POLLIN, 0 }; return poll(&f, 1, -1);)
CALL(c_poll_timed, struct pollfd f = { quiet_pipe(), POLLIN, 0 }; return poll(&f, 1, 100000000);)
CALL(c_ppoll, struct pollfd f = { quiet_pipe(), POLLIN, 0 }; return ppoll(&f, 1, &long_time, NULL);)
CALL(c_select, int fd = quiet_pipe(); fd_set s; FD_ZERO(&s); FD_SET(fd, &s); return select(fd + 1, &s, NULL, NULL, NULL);)
CALL(c_pselect, int fd = quiet_pipe(); fd_set s; FD_ZERO(&s); FD_SET(fd, &s);
	return pselect(fd + 1, &s, NULL, NULL, &long_time, NULL);)
CALL(c_epoll_wait, struct epoll_event e; return epoll_wait(epoll_of(quiet_pipe()), &e, 1, -1);)
CALL(c_epoll_timed, struct epoll_event e; return epoll_wait(epoll_of(quiet_pipe()), &e, 1, 100000000);)
CALL(c_epoll_pwait, struct epoll_event e; sigset_t s; sigemptyset(&s);
	return epoll_pwait(epoll_of(quiet_pipe()), &e, 1, -1, &s);)
CALL(c_futex, return syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);)
CALL(c_futex_timed, return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &long_time, NULL, 0);)
CALL(c_nanosleep, struct timespec left; return nanosleep(&long_time, &left);)
CALL(c_clock_nanosleep, struct timespec at; clock_gettime(CLOCK_MONOTONIC, &at); at.tv_sec += 100000;
	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);)
CALL(c_accept, return accept(listening_socket(), NULL, NULL);)
CALL(c_recv, return recv(quiet_socket(0), byte, 1, 0);)
CALL(c_recv_timed, return recv(quiet_socket(100000), byte, 1, 0);)
CALL(c_msgrcv, struct { long type; char text[1]; } m; return msgrcv(msgget(IPC_PRIVATE, 0600), &m, 1, 0, 0);)
CALL(c_semop, struct sembuf b = { 0, -1, 0 }; return semop(semget(IPC_PRIVATE, 1, 0600), &b, 1);)
CALL(c_semtimedop, struct sembuf b = { 0, -1, 0 }; return semtimedop(semget(IPC_PRIVATE, 1, 0600), &b, 1, &long_time);)
CALL(c_sigwaitinfo, sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR1); return sigwaitinfo(&s, NULL);)
CALL(c_sigtimedwait, sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR1); return sigtimedwait(&s, NULL, &long_time);)
CALL(c_pause, return pause();)
CALL(c_sigsuspend, sigset_t s; sigfillset(&s); return sigsuspend(&s);)
/* The child ends when nobody has the other end of its pipe any more. */
CALL(c_wait, int ends[2]; if (pipe(ends)) abort();
	pid_t child = fork(); if (!child) { close(ends[1]); _exit(read(ends[0], byte, 1) != 0); } return waitpid(child, NULL, 0);)
CALL(c_lock, int a = memfd_create("lock", 0), b; char path[32]; snprintf(path, sizeof path, "/proc/self/fd/%d", a);
	struct flock l = { .l_type = F_WRLCK }; b = open(path, O_RDWR); fcntl(a, F_OFD_SETLK, &l); return fcntl(b, F_OFD_SETLKW, &l);)
CALL(c_io_getevents, aio_context_t c = 0; struct io_event e; syscall(SYS_io_setup, 1, &c);
	return syscall(SYS_io_getevents, c, 1, 1, &e, NULL);)
CALL(c_inotify, return read(inotify_init(), byte, sizeof byte);)
CALL(c_timerfd, struct itimerspec t = { .it_value = long_time }; int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	timerfd_settime(fd, 0, &t, NULL); return read(fd, byte, 8);)

static const struct {
	const char *name;
	long (*call)(void);
} waits[] = {
#define WAIT(name) { #name, c_##name }
	WAIT(read), WAIT(poll), WAIT(poll_timed), WAIT(ppoll), WAIT(select), WAIT(pselect), WAIT(epoll_wait),
	WAIT(epoll_timed), WAIT(epoll_pwait), WAIT(futex), WAIT(futex_timed), WAIT(nanosleep), WAIT(clock_nanosleep),
	WAIT(accept), WAIT(recv), WAIT(recv_timed), WAIT(msgrcv), WAIT(semop), WAIT(semtimedop), WAIT(sigwaitinfo),
	WAIT(sigtimedwait), WAIT(pause), WAIT(sigsuspend), WAIT(wait), WAIT(lock), WAIT(io_getevents), WAIT(inotify),
	WAIT(timerfd),
};

enum { WAITS = sizeof waits / sizeof *waits };
