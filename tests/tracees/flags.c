/*
 * Functions written by hand that take the carry flag, give it, or do both: numbers of 128 bits, added half by half.
 *
 * probes: uprobe:add_high uretprobe:add_high uprobe:add_low uretprobe:add_low uprobe:is_less uretprobe:is_less
 * requirements: 13
 * options: -O2
 */
#include "tracee.h"

typedef unsigned long word;

struct sum {
	word low, high, carry;
};

/* Adds one to `sum->carry` when the 128 bits overflow, and sets bit 1 of it when `a` is less than `b`. */
void add(word a, word b, struct sum *sum);

__asm__(".text\n"
	/* rax = rdi + rsi, and the carry. Its last instruction keeps flags, and a comparison repeats the carry. */
	".type add_low, @function\n"
	"add_low: lea (%rdi,%rsi), %rax\n"
	"cmp %rdi, %rax\n"
	"lea 0(%rax), %rax\n"
	"ret\n"
	".size add_low, . - add_low\n.p2align 4\n"
	/* rax = rdi + rsi + carry, rcx = the carry out of it. */
	".type add_high, @function\n"
	"add_high: mov %rdi, %rax\n"
	"mov $0, %ecx\n"
	"adc %rsi, %rax\n"
	"adc $0, %rcx\n"
	"ret\n"
	".size add_high, . - add_high\n.p2align 4\n"
	/* The carry: rdi < rsi. */
	".type is_less, @function\n"
	"is_less: mov %rdi, %r8\n"
	"cmp %rsi, %r8\n"
	"mov %r8, %r8\n"
	"ret\n"
	".size is_less, . - is_less\n.p2align 4\n"
	".globl add\n.type add, @function\n"
	"add: push %rbx\npush %r12\npush %r13\n"
	"mov %rdi, %rbx\nmov %rsi, %r12\nmov %rdx, %r13\n"
	"call add_low\n"
	"mov %rax, 0(%r13)\n"
	"mov %rbx, %rdi\n"
	"mov %r12, %rsi\n"
	"call add_high\n"
	"mov %rax, 8(%r13)\n"
	"mov %rcx, 16(%r13)\n"
	"mov %rbx, %rdi\n"
	"mov %r12, %rsi\n"
	"call is_less\n"
	"jnc 1f\n"
	"orq $2, 16(%r13)\n"
	"1: pop %r13\npop %r12\npop %rbx\nret\n"
	".size add, . - add\n");

static void work_on(long times)
{
	probes = 6;
	for (long i = 0; i < times; i++) {
		word a = (word)i * 0x9e3779b97f4a7c15u, b = (word)(i + 7) * 0xc2b2ae3d27d4eb4fu;
		struct sum sum = { 0, 0, 0 };
		unsigned __int128 whole = ((unsigned __int128)a << 64 | a) + ((unsigned __int128)b << 64 | b);
		word carry = whole < ((unsigned __int128)a << 64 | a);

		add(a, b, &sum);
		if (sum.low != (word)whole || sum.high != (word)(whole >> 64) || sum.carry != (carry | (a < b) << 1))
			wrong("%lx + %lx gives %lx %lx %lx", a, b, sum.low, sum.high, sum.carry);
		for (int probe = 0; probe < probes; probe++)
			calls[probe]++;
	}
}
