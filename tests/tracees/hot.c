/*
 * Eight threads call functions that begin at every distance from a cache line's end, with one instruction or several in
 * the bytes of a probe.
 *
 * probes: uprobe:single_56 uprobe:single_60 uprobe:single_61 uprobe:single_63 uprobe:several_58 uprobe:several_61 uprobe:several_63 uprobe:page_end
 * requirements: 1 2 33
 * options: -O2 -pthread -no-pie
 */
#include <pthread.h>

#include "tracee.h"

enum { THREADS = 8 };

/* Each gives n + 0x01020305. A torn instruction would give something else, or end the program. */
#define FUNCTION(name, align, skip, body) \
	".p2align " #align ", 0xcc\n.skip " #skip ", 0xcc\n.globl " #name "\n.type " #name ",@function\n" #name ":\n" \
	body "ret\n.size " #name ", .-" #name "\n"
#define SINGLE "lea 0x01020305(%rdi), %rax\n"
#define SEVERAL "mov %rdi, %rax\nadd $5, %rax\nadd $0x01020300, %rax\n"

__asm__(".text\n"
	FUNCTION(single_56, 6, 56, SINGLE) FUNCTION(single_60, 6, 60, SINGLE) FUNCTION(single_61, 6, 61, SINGLE)
	FUNCTION(single_63, 6, 63, SINGLE) FUNCTION(several_58, 6, 58, SEVERAL) FUNCTION(several_61, 6, 61, SEVERAL)
	FUNCTION(several_63, 6, 63, SEVERAL) FUNCTION(page_end, 12, 4094, SEVERAL));

long single_56(long), single_60(long), single_61(long), single_63(long), several_58(long), several_61(long);
long several_63(long), page_end(long);

static void *call_all(void *times)
{
	static long (*const functions[])(long) = { single_56, single_60, single_61, single_63, several_58, several_61,
		several_63, page_end };

	for (long i = 0; i < *(long *)times; i++)
		for (int f = 0; f < 8; f++)
			if (functions[f](i) != i + 0x01020305)
				wrong("function %d of %ld gave %lx", f, i, functions[f](i));
	return NULL;
}

static void work_on(long times)
{
	pthread_t threads[THREADS];

	probes = 8;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, call_all, &times);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int probe = 0; probe < probes; probe++)
		calls[probe] = THREADS * times;
}
