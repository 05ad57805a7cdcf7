/*
 * As many mappings as a process may have, and two less, which reading files and printing may take.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 39
 * options: -O2
 */
#include <sys/mman.h>

#include "tracee.h"

enum { PAGE = 4096 };

/* Neighbours that differ in protection are mappings of their own. */
static void fill(void)
{
	static int filled;
	char *last[2] = { NULL, NULL };

	if (filled++)
		return;
	for (int i = 0;; i++) {
		char *page = mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page == MAP_FAILED)
			break;
		last[i & 1] = page;
	}
	munmap(last[0], PAGE);
	munmap(last[1], PAGE);
}

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("lea 0x10203(%0), %0" : "+r"(n));
	return n;
}

static void work_on(long times)
{
	fill();
	probes = 2;
	for (long i = 0; i < times; i++) {
		if (work(i) != i + 0x10203)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
		calls[1]++;
	}
}
