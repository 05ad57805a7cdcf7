/*
 * Functions that begin with each instruction that changes the flow of control, taken and not taken, within the bytes that
 * a probe needs.
 *
 * probes: uprobe:f_jcc uprobe:f_jcc_far uprobe:f_jrcxz uprobe:f_loop uprobe:f_call uprobe:f_call_next uprobe:f_jmp uprobe:f_jump_register
 * requirements: 9
 * options: -O2 -no-pie
 */
#include "tracee.h"

long f_jcc(long), f_jcc_far(long), f_jrcxz(long), f_loop(long), f_call(long), f_call_next(long), f_jmp(long);
long f_jump_register(long);

#define FUNCTION(name, body) \
	".p2align 4\n.globl " name "\n.type " name ",@function\n" name ":\n" body ".size " name ", .-" name "\n"

/* Each gives 2 * n + 1. */
__asm__(".text\n"
	FUNCTION("f_jcc", "test $1, %dil\njz 1f\nlea 1(%rdi,%rdi), %rax\nret\n1: lea 1(%rdi,%rdi), %rax\nret\n")
	FUNCTION("f_jcc_far", "cmp $5, %rdi\n.byte 0x0f, 0x8c\n.long 1f - . - 4\nlea 1(%rdi,%rdi), %rax\nret\n"
		".skip 200, 0x90\n1: lea 1(%rdi,%rdi), %rax\nret\n")
	FUNCTION("f_jrcxz", "mov %edi, %ecx\nand $1, %ecx\njrcxz 1f\nlea 1(%rdi,%rdi), %rax\nret\n"
		"1: lea 1(%rdi,%rdi), %rax\nret\n")
	FUNCTION("f_loop", "lea 3(%rdi), %rcx\nxor %eax, %eax\n1: add $1, %rax\nloop 1b\n"
		"lea -5(%rax,%rax), %rax\nret\n")
	FUNCTION("f_call", "call helper\nlea 1(%rax,%rax), %rax\nret\n")
	FUNCTION("helper", "mov %rdi, %rax\nret\n")
	FUNCTION("f_call_next", "call 1f\n1: pop %rax\nlea 1b(%rip), %rcx\nsub %rcx, %rax\nlea 1(%rax,%rdi,2), %rax\nret\n")
	FUNCTION("f_jmp", "jmp 1f\n.skip 40, 0xcc\n1: lea 1(%rdi,%rdi), %rax\nret\n")
	FUNCTION("f_jump_register", "lea 1f(%rip), %rax\njmp *%rax\n.skip 16, 0xcc\n1: lea 1(%rdi,%rdi), %rax\nret\n"));

static void work_on(long times)
{
	static long (*const functions[])(long) = { f_jcc, f_jcc_far, f_jrcxz, f_loop, f_call, f_call_next, f_jmp,
		f_jump_register };

	probes = sizeof functions / sizeof *functions;
	for (long i = 0; i < times; i++)
		for (int f = 0; f < probes; f++) {
			if (functions[f](i % 16) != 2 * (i % 16) + 1)
				wrong("function %d of %ld gave %ld", f, i % 16, functions[f](i % 16));
			calls[f]++;
		}
}
