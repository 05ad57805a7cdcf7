/*
 * What every tracee is built around. Standard input says "run N": the tracee does its work N times, checks every result
 * itself, and answers "ok", followed by how often each of its probes must have fired meanwhile, or "wrong" and what was.
 * "turn N" repeats the work, N times each, until the next line; the answer is the same without numbers. "exec 0" starts the
 * program anew in the same process, which answers "ok" when it has begun.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often the n-th probe of the header fires, counted by the tracee; no probes: that cannot be counted. */
static long calls[8];
static int probes;

static char problem[256];

/* Notes the first thing that is wrong. */
static void __attribute__((format(printf, 1, 2), unused)) wrong(const char *format, ...)
{
	va_list values;

	if (problem[0])
		return;
	va_start(values, format);
	vsnprintf(problem, sizeof problem, format, values);
	va_end(values);
}

/* Does the tracee's work `times` times. */
static void work_on(long times);

static int has_input(void)
{
	struct pollfd input = { 0, POLLIN, 0 };
	return poll(&input, 1, 0) > 0;
}

int main(int count, char **arguments)
{
	char what[16];
	long times;

	setvbuf(stdin, NULL, _IONBF, 0);
	if (count > 1) {
		printf("ok\n");
		fflush(stdout);
	}
	while (scanf("%15s %ld", what, &times) == 2) {
		memset(calls, 0, sizeof calls);
		problem[0] = 0;
		if (!strcmp(what, "turn"))
			while (!problem[0] && !has_input())
				work_on(times);
		else if (!strcmp(what, "run"))
			work_on(times);
		else if (!strcmp(what, "exec"))
			execl("/proc/self/exe", arguments[0], "anew", NULL);
		if (problem[0]) {
			printf("wrong %s\n", problem);
		} else {
			printf("ok");
			for (int i = 0; i < probes; i++)
				printf(" %ld", calls[i]);
			printf("\n");
		}
		fflush(stdout);
	}
	return 0;
}
