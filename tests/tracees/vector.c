/*
 * A function called with a pattern in every vector, mask and x87 register that this processor has, and in MXCSR.
 *
 * probes: each:nothing uretprobe:nothing
 * requirements: 14
 * options: -O2 -mno-avx
 */
#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>

#include "tracee.h"

/* The layout of xsave's area has its own sizes; two images are compared whole. */
static uint8_t before[16384] __attribute__((aligned(64)));
static uint8_t after[16384] __attribute__((aligned(64)));
static uint8_t pattern[16384] __attribute__((aligned(64)));
static unsigned area;

/* Loads all states from `pattern`, keeps them in `before`, calls `nothing`, keeps them in `after`. */
void call_with_vectors(void *pattern, void *before, void *after);

__asm__(".text\n.p2align 4\n.globl nothing\n.type nothing,@function\nnothing:\n"
	".byte 0x4d, 0x8d, 0xbf, 0, 0, 0, 0\n"
	".byte 0x4d, 0x8d, 0xbf, 0, 0, 0, 0\n"
	"ret\n.size nothing, .-nothing\n.skip 8, 0xcc\n.p2align 4\n"
	".globl call_with_vectors\n.type call_with_vectors,@function\ncall_with_vectors:\n"
	"push %rbx\npush %r12\npush %r13\n"
	"mov %rsi, %rbx\nmov %rdx, %r12\n"
	"mov $-1, %eax\nmov $-1, %edx\n"
	"xrstor (%rdi)\n"
	"mov $-1, %eax\nmov $-1, %edx\n"
	"xsave (%rbx)\n"
	"call nothing\n"
	"mov $-1, %eax\nmov $-1, %edx\n"
	"xsave (%r12)\n"
	"fninit\n"
	"pop %r13\npop %r12\npop %rbx\n"
	"ret\n.size call_with_vectors, .-call_with_vectors\n");

enum { X87 = 1, SSE = 2, AVX = 4, MASKS = 0x20, ZMM_HIGH = 0x40, ZMM_MORE = 0x80 };

static void set_pattern(uint64_t seed)
{
	static const uint64_t states[] = { AVX, MASKS, ZMM_HIGH, ZMM_MORE };
	unsigned a, b, c, d;
	uint64_t have, all = X87 | SSE;

	__cpuid_count(13, 0, a, b, c, d);
	have = a;
	area = b;
	memset(pattern, 0, sizeof pattern);
	for (unsigned at = 32; at < 160; at += 16)
		for (unsigned byte = 0; byte < 8; byte++)
			pattern[at + byte] = (uint8_t)(seed * 7 + at + byte); /* mantissa */
	for (unsigned at = 32; at < 160; at += 16)
		pattern[at + 7] |= 0x80, pattern[at + 8] = 0xff, pattern[at + 9] = 0x3f; /* a normal number near 1 */
	pattern[0] = 0x7f, pattern[1] = 0x03; /* control word */
	pattern[4] = 0xff; /* every x87 register is in use */
	*(uint32_t *)(pattern + 24) = seed & 1 ? 0x7f80 : 0x1f80; /* MXCSR: another rounding */
	for (unsigned at = 160; at < 416; at++)
		pattern[at] = (uint8_t)(seed * 31 + at * 5);
	for (unsigned i = 0; i < sizeof states / sizeof *states; i++) {
		if (!(have & states[i]))
			continue;
		__cpuid_count(13, __builtin_ctzl(states[i]), a, b, c, d);
		for (unsigned at = 0; at < a; at++)
			pattern[b + at] = (uint8_t)(seed * 13 + at * 3 + i);
		all |= states[i];
	}
	*(uint64_t *)(pattern + 512) = all;
}

static void work_on(long times)
{
	probes = 2;
	for (long i = 0; i < times; i++) {
		set_pattern((uint64_t)i);
		memset(before, 0, area);
		memset(after, 0, area);
		call_with_vectors(pattern, before, after);
		calls[0]++;
		calls[1]++;
		for (unsigned at = 0; at < area; at++)
			if (before[at] != after[at]) {
				wrong("byte %u of the processor's extended state was %x and is %x", at, before[at], after[at]);
				break;
			}
		if (memcmp(before + 160, pattern + 160, 256))
			wrong("the pattern was not loaded");
	}
}
