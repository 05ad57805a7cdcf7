/*
 * backtrace() below the probed function finds the same frames with and without probes, up to main.
 *
 * probes: uprobe:work uprobe:work+5
 * requirements: 21
 * options: -O1 -fno-optimize-sibling-calls
 */
#include <execinfo.h>

#include "tracee.h"

static void *first[32], *now[32];
static int first_count;

__attribute__((noinline, noclone)) long look(long n)
{
	int count = backtrace(now, 32);

	if (!first_count) {
		first_count = count;
		memcpy(first, now, sizeof first);
	}
	/* look, work, and the place of the one call of work; main has two. */
	if (count != first_count || memcmp(first, now, sizeof *first * 3))
		wrong("%d frames, and %d before, or others", count, first_count);
	return n + 1;
}

/* Two instructions of five bytes at its beginning, for a probe each. */
long work(long n);

__asm__(".text\n.p2align 4\n.globl work\n.type work,@function\nwork:\n.cfi_startproc\n"
	"mov $1, %eax\n"
	"mov $2, %eax\n"
	"push %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset 3, -16\n"
	"call look\n"
	"pop %rbx\n.cfi_def_cfa_offset 8\n"
	"ret\n.cfi_endproc\n.size work, .-work\n.p2align 4\n");

static void work_on(long times)
{
	probes = 2;
	for (long i = 0; i < times; i++) {
		if (work(i) != i + 1)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
		calls[1]++;
	}
}
