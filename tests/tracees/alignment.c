/*
 * A function that is called with the stack pointer at every distance from a multiple of 16.
 *
 * probes: uprobe:work uprobe:work+7 uretprobe:work
 * requirements: 15
 * options: -O2
 */
#include "tracee.h"

/* Calls work(value) with the stack pointer moved down by `bytes`. */
long call_lower(long value, long bytes);

__asm__(".text\n.p2align 4\n.globl work\n.type work,@function\nwork:\n"
	".byte 0x48, 0x8d, 0x87, 1, 0, 0, 0 /* lea 1(%rdi), %rax */\n"
	".byte 0x48, 0x8d, 0x80, 1, 0, 0, 0 /* lea 1(%rax), %rax */\n"
	".byte 0x48, 0x8d, 0x80, 1, 0, 0, 0 /* lea 1(%rax), %rax */\n"
	"ret\n.size work, .-work\n.p2align 4\n"
	".globl call_lower\n.type call_lower,@function\ncall_lower:\n"
	"push %rbp\nmov %rsp, %rbp\nsub %rsi, %rsp\n"
	"call work\n"
	"mov %rbp, %rsp\npop %rbp\nret\n.size call_lower, .-call_lower\n");

static void work_on(long times)
{
	probes = 3;
	for (long i = 0; i < times; i++) {
		if (call_lower(i, i % 16) != i + 3)
			wrong("work(%ld) is wrong", i);
		for (int probe = 0; probe < probes; probe++)
			calls[probe]++;
	}
}
