/*
 * Threads that are cancelled: at rest in blocking calls, before they get there, and between calls that do not block;
 * deferred, and at any instruction. Handlers clean up what they leave, in order.
 *
 * probes: uprobe:work
 * requirements: 27
 * options: -O2 -pthread
 */
#include "waits.h"

/* Only when they can be cancelled at any instruction: not made by a function of the C library that is a cancellation point. */
static int is_raw(int wait)
{
	return !strncmp(waits[wait].name, "futex", 5) || !strncmp(waits[wait].name, "sem", 3)
		|| !strcmp(waits[wait].name, "io_getevents");
}

struct order {
	int wait, type; /* wait < 0: calls that do not block */
	pid_t tid;
	int began, cleaned;
};

struct left {
	struct order *order;
	int depth;
};

static void leave(void *argument)
{
	struct left *left = argument;

	if (left->order->cleaned != left->depth)
		wrong("left out of order: %d at %d", left->order->cleaned, left->depth);
	left->order->cleaned++;
}

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

static __attribute__((noinline)) void stay(struct order *order)
{
	struct left inner = { order, 0 };
	int old, fd;
	char zero;

	pthread_cleanup_push(leave, &inner);
	if (order->wait >= 0) {
		__atomic_store_n(&order->tid, gettid(), __ATOMIC_RELEASE);
		pthread_setcanceltype(order->type, &old);
		long result = waits[order->wait].call();
		wrong("%s returned %ld, errno %d", waits[order->wait].name, result, errno);
	}
	fd = open("/dev/zero", O_RDONLY);
	__atomic_store_n(&order->began, 1, __ATOMIC_RELEASE);
	while (order->wait < 0)
		if (read(fd, &zero, 1) != 1 || zero)
			wrong("a read of zeros");
	pthread_cleanup_pop(0);
}

static void *thread_main(void *argument)
{
	struct order *order = argument;
	struct left outer = { order, 1 };

	pthread_cleanup_push(leave, &outer);
	stay(order);
	pthread_cleanup_pop(0);
	return NULL;
}

static int is_at_rest(pid_t tid)
{
	char path[64], text[512];

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	int fd = open(path, O_RDONLY);
	ssize_t size = read(fd, text, sizeof text - 1);
	close(fd);
	text[size > 0 ? size : 0] = 0;
	return strstr(text, ") S ") != NULL;
}

enum when { AT_REST, EARLY, BUSY };

static void cancel(struct order *order, enum when when, long spin)
{
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, NULL, thread_main, order))
		abort();
	if (when == AT_REST)
		while (!__atomic_load_n(&order->tid, __ATOMIC_ACQUIRE) || !is_at_rest(order->tid))
			sched_yield();
	if (when == BUSY)
		while (!__atomic_load_n(&order->began, __ATOMIC_ACQUIRE))
			sched_yield();
	for (volatile long i = 0; i < spin; i++)
		;
	pthread_cancel(thread);
	pthread_join(thread, &result);
	if (result != PTHREAD_CANCELED)
		wrong("a thread was not cancelled in %s", order->wait < 0 ? "a read" : waits[order->wait].name);
	if (order->cleaned != 2)
		wrong("%d of 2 things cleaned up after %s", order->cleaned, order->wait < 0 ? "a read" : waits[order->wait].name);
	/* What it had open, and its child. */
	close_range(3, ~0U, 0);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void work_on(long times)
{
	static int apart;
	static long turn;

	probes = 1;
	if (!apart++ && unshare(CLONE_NEWIPC))
		wrong("no IPC namespace: errno %d", errno);
	for (long i = 0; i < times / 20 + 1 && !problem[0]; i++, turn++) {
		int wait = (int)(turn % WAITS);
		int type = turn / WAITS % 2 || is_raw(wait) ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED;
		struct order rest = { .wait = wait, .type = type }, early = rest;

		cancel(&rest, AT_REST, 0);
		if (type == PTHREAD_CANCEL_DEFERRED)
			cancel(&early, EARLY, turn % 300);
		for (int busy = 0; busy < 3; busy++) {
			struct order reads = { .wait = -1 };
			cancel(&reads, BUSY, turn % 97 * 7);
		}
		if (work(i) != i + 1)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
	}
}
