/*
 * Threads of C++ that are cancelled: at rest in blocking calls, on their way there, and between calls that do not block.
 * Destructors and cleanup handlers of all their frames run, in order.
 *
 * probes: uprobe:work
 * requirements: 27
 * options: -O2 -pthread
 */
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "tracee.h"

static int pipes[2], pair[2], listener, epoll, queue, zeros;
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static char bytes[64];

static void prepare()
{
	sockaddr_un name = {};
	epoll_event event = {};

	name.sun_family = AF_UNIX;
	event.events = EPOLLIN;
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	epoll = epoll_create1(0);
	zeros = open("/dev/zero", O_RDONLY);
	queue = msgget(IPC_PRIVATE, 0600);
	if (pipe(pipes) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || epoll < 0
	    || bind(listener, reinterpret_cast<sockaddr *>(&name), sizeof(sa_family_t)) || listen(listener, 1)
	    || epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event) || zeros < 0 || sem_init(&semaphore, 0, 0))
		wrong("cannot prepare: errno %d", errno);
}

static long wait_for_condition()
{
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push([](void *) { pthread_mutex_unlock(&mutex); }, nullptr);
	pthread_cond_wait(&condition, &mutex);
	pthread_cleanup_pop(1);
	return 0;
}

static struct {
	const char *name;
	long (*call)();
} waits[] = {
	{ "read", [] { return static_cast<long>(read(pipes[0], bytes, 1)); } },
	{ "nanosleep", [] { timespec time = { 100000, 0 }; return static_cast<long>(nanosleep(&time, nullptr)); } },
	{ "accept", [] { return static_cast<long>(accept(listener, nullptr, nullptr)); } },
	{ "recv", [] { return static_cast<long>(recv(pair[0], bytes, 1, 0)); } },
	{ "poll", [] { pollfd file = { pipes[0], POLLIN, 0 }; return static_cast<long>(poll(&file, 1, -1)); } },
	{ "select", [] { return static_cast<long>(select(0, nullptr, nullptr, nullptr, nullptr)); } },
	{ "epoll_wait", [] { epoll_event event; return static_cast<long>(epoll_wait(epoll, &event, 1, -1)); } },
	{ "pause", [] { return static_cast<long>(pause()); } },
	{ "sem_wait", [] { return static_cast<long>(sem_wait(&semaphore)); } },
	{ "pthread_cond_wait", wait_for_condition },
	{ "sigwait", [] { sigset_t set; int got; sigemptyset(&set); sigaddset(&set, SIGUSR2);
			  return static_cast<long>(sigwait(&set, &got)); } },
	{ "msgrcv", [] { return static_cast<long>(msgrcv(queue, bytes, 1, 0, 0)); } },
};
static const int WAITS = sizeof waits / sizeof *waits;

struct order {
	int wait; /* < 0: calls that do not block */
	pid_t tid;
	int began, destroyed, cleaned;
};

struct resource {
	order *of;
	int depth;

	~resource()
	{
		if (of->destroyed++ != depth)
			wrong("destructor %d ran at %d", depth, of->destroyed - 1);
	}
};

extern "C" __attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

static __attribute__((noinline)) void stay(order *order)
{
	resource inner = { order, 0 };
	char zero;

	if (order->wait >= 0) {
		__atomic_store_n(&order->tid, gettid(), __ATOMIC_RELEASE);
		long result;
		do /* a signal that came as graft left may have ended it; then the next call is left */
			result = waits[order->wait].call();
		while (result == -1 && errno == EINTR);
		wrong("%s returned %ld, errno %d", waits[order->wait].name, result, errno);
	}
	__atomic_store_n(&order->began, 1, __ATOMIC_RELEASE);
	while (order->wait < 0)
		if (read(zeros, &zero, 1) != 1 || zero)
			wrong("a read of zeros");
}

static __attribute__((noinline)) void middle(order *order)
{
	resource here = { order, 1 };

	pthread_cleanup_push([](void *argument) { static_cast<struct order *>(argument)->cleaned++; }, order);
	stay(order);
	pthread_cleanup_pop(0);
}

static void *thread_main(void *argument)
{
	resource outer = { static_cast<order *>(argument), 2 };

	middle(static_cast<order *>(argument));
	return nullptr;
}

static bool is_at_rest(pid_t tid)
{
	char path[64], text[512];

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	int fd = open(path, O_RDONLY);
	ssize_t size = read(fd, text, sizeof text - 1);
	close(fd);
	text[size > 0 ? size : 0] = 0;
	return strstr(text, ") S ") != nullptr;
}

enum when { AT_REST, EARLY, BUSY };

static void cancel(int wait, when when, long spin)
{
	order order = { wait, 0, 0, 0, 0 };
	const char *name = wait < 0 ? "a read of zeros" : waits[wait].name;
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, nullptr, thread_main, &order))
		abort();
	if (when == AT_REST)
		while (!__atomic_load_n(&order.tid, __ATOMIC_ACQUIRE) || !is_at_rest(order.tid))
			sched_yield();
	if (when == EARLY)
		while (!__atomic_load_n(&order.tid, __ATOMIC_ACQUIRE))
			;
	if (when == BUSY)
		while (!__atomic_load_n(&order.began, __ATOMIC_ACQUIRE))
			sched_yield();
	for (volatile long i = 0; i < spin; i = i + 1)
		;
	pthread_cancel(thread);
	pthread_join(thread, &result);
	if (result != PTHREAD_CANCELED)
		wrong("a thread was not cancelled in %s", name);
	if (order.destroyed != 3 || order.cleaned != 1)
		wrong("%d of 3 destructors and %d of 1 handlers ran after %s", order.destroyed, order.cleaned, name);
}

static void work_on(long times)
{
	static long turn;

	probes = 1;
	if (!zeros)
		prepare();
	for (long i = 0; i < times / 20 + 1 && !problem[0]; i++, turn++) {
		cancel(static_cast<int>(turn % WAITS), AT_REST, 0);
		cancel(static_cast<int>(turn % WAITS), EARLY, turn % 300);
		for (long busy = 0; busy < 10; busy++)
			cancel(-1, BUSY, (turn + busy) % 97 * 7);
		if (work(i) != i + 1)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
	}
}
