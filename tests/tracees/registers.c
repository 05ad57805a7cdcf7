/*
 * A function that changes no register, called with a pattern in all of them: whatever is different afterwards was changed
 * by a probe. It loads the flags itself and keeps what they are at its end; around a call they mean nothing (System V ABI).
 *
 * probes: each:nothing uretprobe:nothing
 * requirements: 13
 * options: -O2
 */
#include "tracee.h"

/* In and out: rax rbx rcx rdx rsi rdi rbp r8 to r15; out only: rsp. */
struct registers {
	unsigned long value[15];
	unsigned long stack;
};

unsigned long flags_in, flags_out;

/* Calls `nothing` with the registers of `in`, and keeps in `out` what it leaves. */
void call_with(const struct registers *in, struct registers *out);

__asm__(".text\n.globl nothing\n.type nothing,@function\nnothing:\n"
	"pushq flags_in(%rip)\n"
	"popfq\n"
	"lea (%rax), %rax\n"
	"lea 0(%rsp), %rsp\n"
	"mov %rbx, %rbx\n"
	"nop\n"
	"lea 0x1000(%r11), %r11\n"
	"lea -0x1000(%r11), %r11\n"
	".byte 0x4d, 0x8d, 0xbf, 0, 0, 0, 0 /* lea 0(%r15), %r15, in seven bytes */\n"
	"pushfq\n"
	"popq flags_out(%rip)\n"
	"ret\n"
	".size nothing, .-nothing\n"
	".skip 8, 0xcc\n.p2align 4\n"
	".globl call_with\n.type call_with,@function\ncall_with:\n"
	"push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\npushfq\n"
	"push %rsi\n"
	"mov %rdi, %rax\n"
	"mov 8(%rax), %rbx\nmov 16(%rax), %rcx\nmov 24(%rax), %rdx\nmov 32(%rax), %rsi\nmov 40(%rax), %rdi\n"
	"mov 48(%rax), %rbp\nmov 56(%rax), %r8\nmov 64(%rax), %r9\nmov 72(%rax), %r10\nmov 80(%rax), %r11\n"
	"mov 88(%rax), %r12\nmov 96(%rax), %r13\nmov 104(%rax), %r14\nmov 112(%rax), %r15\nmov (%rax), %rax\n"
	"call nothing\n"
	"push %rax\n"
	"mov 8(%rsp), %rax\n"
	"mov %rbx, 8(%rax)\nmov %rcx, 16(%rax)\nmov %rdx, 24(%rax)\nmov %rsi, 32(%rax)\nmov %rdi, 40(%rax)\n"
	"mov %rbp, 48(%rax)\nmov %r8, 56(%rax)\nmov %r9, 64(%rax)\nmov %r10, 72(%rax)\nmov %r11, 80(%rax)\n"
	"mov %r12, 88(%rax)\nmov %r13, 96(%rax)\nmov %r14, 104(%rax)\nmov %r15, 112(%rax)\n"
	"pop %rcx\nmov %rcx, (%rax)\n"
	"mov %rsp, 120(%rax)\n"
	"pop %rsi\n"
	"popfq\npop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\n"
	"ret\n"
	".size call_with, .-call_with\n");

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, DF = 0x400, OF = 0x800, FLAGS = CF | PF | AF | ZF | SF | DF | OF };

static void work_on(long times)
{
	static const char *const names[] = { "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
		"r9", "r10", "r11", "r12", "r13", "r14", "r15" };
	struct registers in = { 0 }, out = { 0 };
	unsigned long stack = 0;

	probes = 2;
	for (long i = 0; i < times; i++) {
		unsigned long bits = (unsigned long)i;
		for (int r = 0; r < 15; r++)
			in.value[r] = 0x9e3779b97f4a7c15ul * (bits * 16 + r + 1);
		flags_in = 0x202 | (bits & 1 ? CF : 0) | (bits & 2 ? PF : 0) | (bits & 4 ? AF : 0) | (bits & 8 ? ZF : 0)
			| (bits & 16 ? SF : 0) | (bits & 32 ? DF : 0) | (bits & 64 ? OF : 0);
		call_with(&in, &out);
		calls[0]++;
		calls[1]++;
		for (int r = 0; r < 15; r++)
			if (out.value[r] != in.value[r])
				wrong("%s was %lx and is %lx", names[r], in.value[r], out.value[r]);
		if ((flags_out ^ flags_in) & FLAGS)
			wrong("the flags were %lx and are %lx", flags_in, flags_out);
		if (stack && out.stack != stack)
			wrong("the stack pointer was %lx and is %lx", stack, out.stack);
		stack = out.stack;
	}
}
