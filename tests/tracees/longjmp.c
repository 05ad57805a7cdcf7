/*
 * longjmp over one to a hundred probed frames.
 *
 * probes: uprobe:down uprobe:land uretprobe:land
 * requirements: 19
 * options: -O1 -Wno-infinite-recursion -fno-optimize-sibling-calls
 */
#include <setjmp.h>

#include "tracee.h"

static jmp_buf place;

__attribute__((noinline, noclone)) long down(long depth)
{
	if (depth == 0)
		longjmp(place, 1);
	return down(depth - 1) + 1;
}

__attribute__((noinline, noclone)) long land(long depth)
{
	volatile long kept = depth;

	if (!setjmp(place))
		return down(depth);
	return kept + 7;
}

static void work_on(long times)
{
	probes = 3;
	for (long i = 0; i < times; i++) {
		long depth = i % 100 + 1;
		if (land(depth) != depth + 7)
			wrong("land(%ld) is wrong", depth);
		calls[0] += depth + 1;
		calls[1]++;
		calls[2]++;
	}
}
