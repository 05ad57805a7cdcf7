/* Starts itself anew every millisecond, from a thread or with one beside it, until there is something to read; then ends. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *again(void *turn)
{
	char text[24];

	snprintf(text, sizeof text, "%ld", (long)turn + 1);
	execl("/proc/self/exe", "reborn", text, NULL);
	_exit(8);
}

static void *wait_here(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(int count, char **arguments)
{
	long turn = count > 1 ? atol(arguments[1]) : 0;
	struct pollfd input = { 0, POLLIN, 0 };
	pthread_t thread;

	if (poll(&input, 1, 1) > 0)
		return turn > 0 ? 0 : 9;
	pthread_create(&thread, NULL, turn % 2 ? again : wait_here, (void *)turn);
	if (turn % 2)
		pthread_join(thread, NULL);
	again((void *)turn);
}
