/*
 * The probed function is called with 300 bytes of stack left above a page that may not be touched. A program that has a
 * frame of its own, or calls helpers, needs that much more.
 *
 * programs: little
 * probes: uprobe:work uprobe:work+7 uretprobe:work
 * requirements: 16
 * options: -O2
 */
#include <sys/mman.h>

#include "tracee.h"

/* Calls work(value) with the stack pointer at `top`. */
long call_at(long value, void *top);

__asm__(".text\n.p2align 4\n.globl work\n.type work,@function\nwork:\n"
	".byte 0x48, 0x8d, 0x87, 1, 0, 0, 0\n"
	".byte 0x48, 0x8d, 0x80, 1, 0, 0, 0\n"
	".byte 0x48, 0x8d, 0x80, 1, 0, 0, 0\n"
	"ret\n.size work, .-work\n.p2align 4\n"
	".globl call_at\n.type call_at,@function\ncall_at:\n"
	"push %rbp\nmov %rsp, %rbp\nmov %rsi, %rsp\n"
	"call work\n"
	"mov %rbp, %rsp\npop %rbp\nret\n.size call_at, .-call_at\n");

static void work_on(long times)
{
	static char *pages;

	probes = 3;
	if (!pages) {
		pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(pages, 4096, PROT_NONE);
	}
	for (long i = 0; i < times; i++) {
		if (call_at(i, pages + 4096 + 304) != i + 3)
			wrong("work(%ld) is wrong", i);
		for (int probe = 0; probe < probes; probe++)
			calls[probe]++;
	}
}
