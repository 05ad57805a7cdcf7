/*
 * Threads at rest in system calls, each in another one, between two runs; a run lets each of them go. None returns before,
 * all return what they would, and sleeps know how long they have left.
 *
 * probes: uprobe:next
 * requirements: 4 30
 * options: -O2 -pthread
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracee.h"

static const struct timespec long_time = { 100000, 0 };

/* What a thread waits with: it reads from (or writes to) `in`, and is let go with `out`. */
struct rest {
	int in, out, more;
	int word;
	pid_t child;
	sem_t semaphore;
	aio_context_t context;
	struct iocb job;
	pthread_t thread;
	pid_t tid;
	int let_go; /* turns in which it was let go */
	int ended; /* calls that have ended */
};

static char byte[65536];
static __thread int handled;

static void on_signal(int signal)
{
	(void)signal;
	handled++;
}

/* The number is a constant at the call, as in the C library's own functions. */
static long futex_wait(int *word)
{
	register long timeout __asm__("r10") = 0;
	long result;

	__asm__ volatile("mov %1, %%eax\n\tsyscall\n\tcmp $-4096, %%rax"
		: "=a"(result) : "i"(SYS_futex), "D"(word), "S"(FUTEX_WAIT), "d"(0), "r"(timeout) : "rcx", "r11", "memory", "cc");
	return result;
}

static long io_getevents(aio_context_t context, struct io_event *event)
{
	register struct io_event *events __asm__("r10") = event;
	register long timeout __asm__("r8") = 0;
	long result;

	__asm__ volatile("mov %1, %%eax\n\tsyscall\n\tcmp $-4096, %%rax"
		: "=a"(result) : "i"(SYS_io_getevents), "D"(context), "S"(1), "d"(1), "r"(events), "r"(timeout)
		: "rcx", "r11", "memory", "cc");
	return result;
}

static void ends_of_pipe(struct rest *r)
{
	int ends[2];

	if (pipe(ends))
		abort();
	r->in = ends[0];
	r->out = ends[1];
}

static void ends_of_socket(struct rest *r)
{
	struct timeval time = { 100000, 0 };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time))
		abort();
	r->in = ends[0];
	r->out = ends[1];
}

static void epoll_of_pipe(struct rest *r)
{
	struct epoll_event event = { .events = EPOLLIN };

	ends_of_pipe(r);
	r->more = epoll_create1(0);
	if (epoll_ctl(r->more, EPOLL_CTL_ADD, r->in, &event))
		abort();
}

static void listening(struct rest *r)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	r->in = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(r->in, (void *)&name, sizeof(sa_family_t)) || listen(r->in, 1))
		abort();
}

static long one_byte(struct rest *r, long result)
{
	return result == 1 && read(r->in, byte, 1) == 1 ? 1 : result - 1000;
}

static long until_signal(long result)
{
	int error = errno, times = handled;

	handled = 0;
	errno = error;
	return result == -1 && error == EINTR && times == 1 ? 1 : -1000 - times;
}

/* How long a sleep has left when it is interrupted: what it had, less the time that has gone by. */
static long sleep_of(long (*sleep)(struct timespec *left))
{
	struct timespec begin, end, left = { 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &begin);
	long result = until_signal(sleep(&left));
	clock_gettime(CLOCK_MONOTONIC, &end);
	double off = (double)(left.tv_sec - long_time.tv_sec + end.tv_sec - begin.tv_sec)
		+ 1e-9 * (double)(left.tv_nsec + end.tv_nsec - begin.tv_nsec);
	return off < 1 && off > -5 ? result : -2000;
}

static long nanosleep_left(struct timespec *left)
{
	return nanosleep(&long_time, left);
}

static long clock_nanosleep_left(struct timespec *left)
{
	errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, left);
	return errno ? -1 : 0;
}

#define CALL(name, ...) static long c_##name(struct rest *r) { (void)r; __VA_ARGS__ }

CALL(read, return read(r->in, byte, 1);)
CALL(readv, struct iovec v = { byte, 1 }; return readv(r->in, &v, 1);)
CALL(recv, return recv(r->in, byte, 1, 0);)
CALL(recvmsg, struct iovec v = { byte, 1 }; struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 }; return recvmsg(r->in, &m, 0);)
CALL(splice, return splice(r->in, NULL, r->more, NULL, 1, 0);)
CALL(write, return write(r->out, byte, 4096) == 4096;)
CALL(send, return send(r->in, byte, 1, 0);)
CALL(poll, struct pollfd f = { r->in, POLLIN, 0 }; return one_byte(r, poll(&f, 1, -1));)
CALL(poll_timed, struct pollfd f = { r->in, POLLIN, 0 }; return one_byte(r, poll(&f, 1, 100000000));)
CALL(ppoll, struct pollfd f = { r->in, POLLIN, 0 }; return one_byte(r, ppoll(&f, 1, &long_time, NULL));)
CALL(select, fd_set s; FD_ZERO(&s); FD_SET(r->in, &s); return one_byte(r, select(r->in + 1, &s, NULL, NULL, NULL));)
CALL(pselect, fd_set s; FD_ZERO(&s); FD_SET(r->in, &s); return one_byte(r, pselect(r->in + 1, &s, NULL, NULL, &long_time, NULL));)
CALL(epoll_wait, struct epoll_event e; return one_byte(r, epoll_wait(r->more, &e, 1, -1));)
CALL(epoll_timed, struct epoll_event e; return one_byte(r, epoll_wait(r->more, &e, 1, 100000000));)
CALL(epoll_pwait, struct epoll_event e; sigset_t s; sigfillset(&s); return one_byte(r, epoll_pwait(r->more, &e, 1, -1, &s));)
CALL(accept, int fd = accept(r->in, NULL, NULL); close(fd); return fd < 0 ? -1 : 1;)
/* When it is let go while the kernel restarts it, it finds the word changed. */
CALL(futex, long result = futex_wait(&r->word); return result == -EAGAIN ? 1 : result + 1;)
CALL(semaphore, return sem_wait(&r->semaphore) + 1;)
CALL(semaphore_timed, struct timespec at = { 1L << 40, 0 }; return sem_timedwait(&r->semaphore, &at) + 1;)
CALL(msgrcv, struct { long type; char text[1]; } m; return msgrcv(r->in, &m, 1, 0, 0);)
CALL(semop, struct sembuf b = { 0, -1, 0 }; return semop(r->in, &b, 1) + 1;)
CALL(semtimedop, struct sembuf b = { 0, -1, 0 }; return semtimedop(r->in, &b, 1, &long_time) + 1;)
CALL(sigwaitinfo, sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR1); return sigwaitinfo(&s, NULL) == SIGUSR1;)
CALL(sigtimedwait, sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR1); return sigtimedwait(&s, NULL, &long_time) == SIGUSR1;)
CALL(signalfd, struct signalfd_siginfo i; return read(r->in, &i, sizeof i) == sizeof i;)
CALL(pause, return until_signal(pause());)
CALL(sigsuspend, sigset_t s; sigfillset(&s); sigdelset(&s, SIGUSR2); return until_signal(sigsuspend(&s));)
CALL(nanosleep, return sleep_of(nanosleep_left);)
CALL(clock_nanosleep, return sleep_of(clock_nanosleep_left);)
CALL(wait, int status; pid_t child = waitpid(r->child, &status, 0); close(r->in); close(r->out);
	return child == r->child && WEXITSTATUS(status) == 7;)
CALL(lock, struct flock l = { .l_type = F_WRLCK }; int result = fcntl(r->in, F_OFD_SETLKW, &l);
	l.l_type = F_UNLCK; fcntl(r->in, F_OFD_SETLK, &l); return result + 1;)
CALL(flock, int result = flock(r->in, LOCK_EX); flock(r->in, LOCK_UN); return result + 1;)
CALL(io_getevents, struct io_event e; return one_byte(r, io_getevents(r->context, &e));)
CALL(timerfd, long times = 0; return read(r->in, &times, 8) == 8 ? times : -1;)
CALL(eventfd, long value = 0; return read(r->in, &value, 8) == 8 ? value : -1;)

/* Before the call: what lets it wait again. */
#define BEFORE(name, ...) static void b_##name(struct rest *r) { (void)r; __VA_ARGS__ }

BEFORE(nothing, )
BEFORE(word, r->word = 0;)
BEFORE(child, ends_of_pipe(r); r->child = fork(); if (!r->child) { close(r->out); _exit(read(r->in, byte, 1) == 1 ? 7 : 8); })
BEFORE(job, memset(&r->job, 0, sizeof r->job); r->job.aio_lio_opcode = IOCB_CMD_POLL; r->job.aio_fildes = r->in;
	r->job.aio_buf = POLLIN; struct iocb *all = &r->job; if (syscall(SYS_io_submit, r->context, 1, &all) != 1) abort();)
BEFORE(lock, struct flock l = { .l_type = F_WRLCK }; if (fcntl(r->out, F_OFD_SETLK, &l)) abort();)
BEFORE(flock, if (flock(r->out, LOCK_EX)) abort();)
BEFORE(timer, struct itimerspec t = { .it_value = long_time }; timerfd_settime(r->in, 0, &t, NULL);)
/* Not while the last turn's bytes are still being received, which lets the thread go before the last of them. */
BEFORE(full_socket, while (__atomic_load_n(&r->word, __ATOMIC_ACQUIRE)) sched_yield();
	while (send(r->in, byte, 4096, MSG_DONTWAIT) > 0) ;)
BEFORE(full_pipe, fcntl(r->out, F_SETFL, O_NONBLOCK); while (write(r->out, byte, 4096) > 0) ; fcntl(r->out, F_SETFL, 0);)

/* Lets it go. */
#define LET(name, ...) static void l_##name(struct rest *r) { __VA_ARGS__ }

LET(byte, if (write(r->out, "x", 1) != 1) wrong("no byte");)
LET(empty, if (read(r->in, byte, 65536) < 0) wrong("nothing to read");)
LET(received, int size = 0; ioctl(r->out, FIONREAD, &size); __atomic_store_n(&r->word, 1, __ATOMIC_RELEASE);
	for (ssize_t got = 0; size > 0; size -= (int)got)
		got = recv(r->out, byte, (size_t)size < sizeof byte ? (size_t)size : sizeof byte, 0);
	__atomic_store_n(&r->word, 0, __ATOMIC_RELEASE);)
LET(connect, struct sockaddr_un name; socklen_t size = sizeof name; int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	getsockname(r->in, (void *)&name, &size); if (connect(fd, (void *)&name, size)) wrong("no connection"); close(fd);)
LET(word, r->word = 1; if (syscall(SYS_futex, &r->word, FUTEX_WAKE, 1) < 0) wrong("nobody woken");)
LET(semaphore, sem_post(&r->semaphore);)
LET(message, struct { long type; char text[1]; } m = { 1, "x" }; if (msgsnd(r->in, &m, 1, 0)) wrong("no message");)
LET(semop, struct sembuf b = { 0, 1, 0 }; if (semop(r->in, &b, 1)) wrong("no semaphore");)
LET(blocked_signal, pthread_kill(r->thread, SIGUSR1);)
LET(signal, pthread_kill(r->thread, SIGUSR2);)
LET(lock, struct flock l = { .l_type = F_UNLCK }; fcntl(r->out, F_OFD_SETLK, &l);)
LET(flock, flock(r->out, LOCK_UN);)
LET(timer, struct itimerspec t = { .it_value = { 0, 1 } }; timerfd_settime(r->in, 0, &t, NULL);)
LET(event, long one = 1; if (write(r->in, &one, 8) != 8) wrong("no event");)

/* What it needs, once. */
#define ONCE(name, ...) static void o_##name(struct rest *r) { (void)r; __VA_ARGS__ }

ONCE(nothing, )
ONCE(pipe, ends_of_pipe(r);)
ONCE(socket, ends_of_socket(r);)
ONCE(epoll, epoll_of_pipe(r);)
ONCE(pipe_and_null, ends_of_pipe(r); r->more = open("/dev/null", O_WRONLY);)
ONCE(listening, listening(r);)
ONCE(semaphore, sem_init(&r->semaphore, 0, 0);)
ONCE(queue, r->in = msgget(IPC_PRIVATE, 0600);)
ONCE(set, r->in = semget(IPC_PRIVATE, 1, 0600);)
ONCE(signalfd, sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR1); r->in = signalfd(-1, &s, 0);)
ONCE(lock, char path[32]; r->out = memfd_create("lock", 0); snprintf(path, sizeof path, "/proc/self/fd/%d", r->out);
	r->in = open(path, O_RDWR);)
ONCE(job, ends_of_pipe(r); if (syscall(SYS_io_setup, 1, &r->context)) abort();)
ONCE(timer, r->in = timerfd_create(CLOCK_MONOTONIC, 0);)
ONCE(event, r->in = eventfd(0, 0);)

static const struct {
	const char *name;
	int number;
	void (*once)(struct rest *), (*before)(struct rest *);
	long (*call)(struct rest *);
	void (*let_go)(struct rest *);
} kinds[] = {
#define KIND(name, number, once, before, let) { #name, SYS_##number, o_##once, b_##before, c_##name, l_##let }
	KIND(read, read, pipe, nothing, byte), KIND(readv, readv, pipe, nothing, byte),
	KIND(recv, recvfrom, socket, nothing, byte), KIND(recvmsg, recvmsg, socket, nothing, byte),
	KIND(splice, splice, pipe_and_null, nothing, byte), KIND(write, write, pipe, full_pipe, empty),
	KIND(send, sendto, socket, full_socket, received), KIND(poll, poll, pipe, nothing, byte),
	KIND(poll_timed, poll, pipe, nothing, byte), KIND(ppoll, ppoll, pipe, nothing, byte),
	KIND(select, pselect6, pipe, nothing, byte), KIND(pselect, pselect6, pipe, nothing, byte),
	KIND(epoll_wait, epoll_wait, epoll, nothing, byte), KIND(epoll_timed, epoll_wait, epoll, nothing, byte),
	KIND(epoll_pwait, epoll_pwait, epoll, nothing, byte), KIND(accept, accept, listening, nothing, connect),
	KIND(futex, futex, nothing, word, word), KIND(semaphore, futex, semaphore, nothing, semaphore),
	KIND(semaphore_timed, futex, semaphore, nothing, semaphore), KIND(msgrcv, msgrcv, queue, nothing, message),
	KIND(semop, semtimedop, set, nothing, semop), KIND(semtimedop, semtimedop, set, nothing, semop),
	KIND(sigwaitinfo, rt_sigtimedwait, nothing, nothing, blocked_signal),
	KIND(sigtimedwait, rt_sigtimedwait, nothing, nothing, blocked_signal),
	KIND(signalfd, read, signalfd, nothing, blocked_signal), KIND(pause, pause, nothing, nothing, signal),
	KIND(sigsuspend, rt_sigsuspend, nothing, nothing, signal), KIND(nanosleep, clock_nanosleep, nothing, nothing, signal),
	KIND(clock_nanosleep, clock_nanosleep, nothing, nothing, signal), KIND(wait, wait4, nothing, child, byte),
	KIND(lock, fcntl, lock, lock, lock), KIND(flock, flock, lock, flock, flock),
	KIND(io_getevents, io_getevents, job, job, byte), KIND(timerfd, read, timer, timer, timer),
	KIND(eventfd, read, event, nothing, event),
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static struct rest rests[KINDS];

__attribute__((noinline, noclone)) long next(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

static void *rest_in(void *index)
{
	long i = (long)index;
	struct rest *r = rests + i;

	kinds[i].once(r);
	for (int turn = 1;; turn++) {
		kinds[i].before(r);
		__atomic_store_n(&r->tid, gettid(), __ATOMIC_RELEASE);
		errno = 0;
		long result = kinds[i].call(r);
		int error = errno;
		if (__atomic_load_n(&r->let_go, __ATOMIC_ACQUIRE) != turn)
			wrong("%s returned early: %ld, errno %d", kinds[i].name, result, error);
		if (result != 1)
			wrong("%s gave %ld, errno %d", kinds[i].name, result, error);
		if (lseek(-7, 0x123456789a, 3) != -1 || errno != EBADF || getppid() <= 0 || next(i) != i + 1)
			wrong("%s: the calls after it", kinds[i].name);
		r->tid = 0;
		__atomic_store_n(&r->ended, turn, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* What the kernel says of a thread. */
static const char *told(pid_t tid, const char *file)
{
	static char text[512];
	char path[64];

	snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, file);
	int fd = open(path, O_RDONLY);
	ssize_t size = read(fd, text, sizeof text - 1);
	close(fd);
	text[size > 0 ? size : 0] = 0;
	return text;
}

/* Until the thread is in its call, which is asked for when it sleeps: of a thread that runs, the answer takes long. */
static void await_rest(int i)
{
	for (int number = -1; number != kinds[i].number && number != SYS_restart_syscall && !problem[0]; sched_yield()) {
		pid_t tid = __atomic_load_n(&rests[i].tid, __ATOMIC_ACQUIRE);
		if (!tid || !strstr(told(tid, "stat"), ") S ") || sscanf(told(tid, "syscall"), "%d", &number) != 1)
			number = -1;
	}
}

static void start(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	/* Message queues and semaphores of this process end with it. */
	if (unshare(CLONE_NEWIPC))
		wrong("no IPC namespace: errno %d", errno);
	sigaction(SIGUSR2, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (long i = 0; i < KINDS; i++)
		if (pthread_create(&rests[i].thread, NULL, rest_in, (void *)i))
			abort();
	for (int i = 0; i < KINDS; i++)
		await_rest(i);
}

static void work_on(long times)
{
	static int started;

	probes = 1;
	if (!started++)
		start();
	for (long turn = 0; turn < times / 100 + 1; turn++) {
		for (int i = 0; i < KINDS; i++) {
			__atomic_store_n(&rests[i].let_go, rests[i].let_go + 1, __ATOMIC_RELEASE);
			kinds[i].let_go(rests + i);
		}
		for (int i = 0; i < KINDS && !problem[0]; i++) {
			while (__atomic_load_n(&rests[i].ended, __ATOMIC_ACQUIRE) != rests[i].let_go && !problem[0])
				sched_yield();
			await_rest(i);
		}
		calls[0] += KINDS;
	}
}
