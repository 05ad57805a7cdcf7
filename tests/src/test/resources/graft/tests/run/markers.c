// Static probes with arguments in all places that an assembler can name. It answers a line with its semaphore.
#define _SDT_HAS_SEMAPHORES 1
#include <stdio.h>
#include <string.h>
#include <sys/sdt.h>

__extension__ unsigned short demo_guarded_semaphore __attribute__((section(".probes")));
__extension__ unsigned short demo_forms_semaphore __attribute__((section(".probes")));
__extension__ unsigned short demo_twice_semaphore __attribute__((section(".probes")));
__extension__ unsigned short demo_indexed_semaphore __attribute__((section(".probes")));

static volatile short counter = -1234;
static volatile int seen;
static volatile unsigned char table[8] = {10, 20, 30, 40, 50, 60, 70, 80};

__attribute__((noinline)) static void forms(long a, int b, signed char c, unsigned short d)
{
	volatile int on_stack = b * 2;

	// Constant, registers of three widths, memory, and memory next to the instruction.
	STAP_PROBE7(demo, forms, -7, a, b, c, d, on_stack, counter);
}

__attribute__((noinline)) static void indexed(const volatile unsigned char *bytes, const long *longs, long i)
{
	// The assembler's own words, since a compiler rarely chooses them.
	__asm__ volatile("990: nop\n"
			 ".pushsection .note.stapsdt,\"?\",\"note\"\n.balign 4\n"
			 ".4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n"
			 "993: .8byte 990b\n.8byte _.stapsdt.base\n.8byte demo_indexed_semaphore\n"
			 ".asciz \"demo\"\n.asciz \"indexed\"\n"
			 ".asciz \"1@(%%rdi,%%rdx) -8@-8(%%rsi,%%rdx,8) 8f@%%xmm0\"\n994: .balign 4\n.popsection\n"
			 :
			 : "D"(bytes), "S"(longs), "d"(i)
			 : "memory");
}

__attribute__((noinline)) static int twice(int a)
{
	if (a & 1) {
		STAP_PROBE1(demo, twice, a);
		seen++;
	} else {
		STAP_PROBE1(demo, twice, -a);
		counter = -1234;
	}
	return a;
}

__attribute__((noinline)) static void guarded(int i, const char *text)
{
	if (demo_guarded_semaphore) {
		STAP_PROBE2(demo, guarded, i, text);
		seen++;
	}
}

int main(void)
{
	char line[16];
	long longs[8] = {0, -1, -2, -3, -4, -5, -6, -7};

	while (fgets(line, sizeof(line), stdin)) {
		for (int i = 0; i < 8; i++) {
			forms(0x100000000L + i, -i, (signed char)(-100 - i), (unsigned short)(65000 + i));
			indexed(table, longs, i);
			twice(i);
			guarded(i, line);
		}
		printf("%d %d\n", demo_guarded_semaphore, demo_indexed_semaphore);
		fflush(stdout);
	}
	return 0;
}
