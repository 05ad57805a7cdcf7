/*
 * As many mappings as a process may have, and two less, which reading files and printing may take.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 39
 * options: -O2
 */
#include <sys/mman.h>

#include "plain.h"

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

static void work_on(long times)
{
	fill();
	call_work(times);
}
