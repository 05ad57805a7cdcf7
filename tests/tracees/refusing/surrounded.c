/*
 * No byte is free within 2 GiB of the function.
 *
 * probes: uprobe:work uretprobe:work
 * requirements: 39
 * options: -O2
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>

#include "plain.h"

enum { GAPS = 256 };

static void reserve(uintptr_t from, uintptr_t to)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;

	if (from < to)
		mmap((void *)from, to - from, PROT_NONE, flags, -1, 0);
}

/* Fills the gaps between mappings that are close enough. */
static void fill(void)
{
	static int filled;
	const uintptr_t reach = (uintptr_t)5 << 29;
	uintptr_t from = ((uintptr_t)work - reach) & -4096, end = ((uintptr_t)work + reach) & -4096;
	uintptr_t gaps[GAPS][2], first, last;
	int count = 0;
	char line[512];

	if (filled++)
		return;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, maps) && count < GAPS) {
		sscanf(line, "%lx-%lx", &first, &last);
		if (first > from) {
			gaps[count][0] = from;
			gaps[count++][1] = first < end ? first : end;
		}
		if (last > from)
			from = last;
	}
	fclose(maps);
	for (int i = 0; i < count; i++)
		reserve(gaps[i][0], gaps[i][1]);
}

static void work_on(long times)
{
	fill();
	call_work(times);
}
