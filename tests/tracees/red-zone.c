/*
 * A leaf that keeps live values in all 128 bytes of its red zone.
 *
 * probes: each:leaf
 * requirements: 12
 * options: -O2
 */
#include "tracee.h"

/* The sum of 16 values that lie below the stack pointer meanwhile. */
long leaf(long seed);

__asm__(".text\n.globl leaf\n.type leaf,@function\nleaf:\n"
	".set slot, -8\n"
	".rept 16\n"
	"mov %rdi, slot(%rsp)\n"
	"add $3, %rdi\n"
	".set slot, slot-8\n"
	".endr\n"
	"xor %eax, %eax\n"
	".set slot, -8\n"
	".rept 16\n"
	"add slot(%rsp), %rax\n"
	".set slot, slot-8\n"
	".endr\n"
	"ret\n"
	".size leaf, .-leaf\n");

static void work_on(long times)
{
	probes = 1;
	for (long i = 0; i < times; i++) {
		long sum = leaf(i);
		calls[0]++;
		if (sum != 16 * i + 3 * 120)
			wrong("leaf(%ld) gave %ld", i, sum);
	}
}
