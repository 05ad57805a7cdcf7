/*
 * A counter for each processor, counted up in a restartable sequence: the kernel starts it again when the thread was
 * interrupted in it. Moving a part of the sequence would hide the thread from the kernel. The first instruction is long
 * enough for a probe that moves nothing else.
 *
 * probes: uprobe:work
 * requirements: 43
 * options: -O2 -pthread
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <sys/rseq.h>

#include "tracee.h"

enum { THREADS = 8, CPUS = 1024 };

struct line {
	uint64_t count;
	char rest[56];
} lines[CPUS] __attribute__((aligned(64)));

/* Adds one to the line of the processor that this thread runs on. rdi: the thread's struct rseq. */
void work(struct rseq *area);

__asm__(".pushsection __rseq_cs, \"aw\"\n.balign 32\nsequence: .long 0, 0\n"
	".quad begin, commit - begin, aborted\n.popsection\n"
	".text\n.p2align 4\n.globl work\n.type work,@function\nwork:\n"
	"lea sequence(%rip), %rax\n"
	"mov %rax, 8(%rdi)\n"
	"begin:\n"
	"mov 4(%rdi), %eax\n"
	"shl $6, %rax\n"
	"lea lines(%rip), %rdx\n"
	"mov (%rdx,%rax), %rcx\n"
	"inc %rcx\n"
	"mov %rcx, (%rdx,%rax)\n"
	"commit:\n"
	"ret\n"
	".long 0x53053053\n" /* RSEQ_SIG, which the kernel wants before the place that it aborts to */
	"aborted:\n"
	"jmp work\n"
	".size work, .-work\n");

static void *work_alone(void *argument)
{
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	long times = (long)argument;

	for (long i = 0; i < times; i++)
		work(area);
	return NULL;
}

static void work_on(long times)
{
	pthread_t threads[THREADS];
	uint64_t sum = 0;

	memset(lines, 0, sizeof lines);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work_alone, (void *)(100 * times));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < CPUS; i++)
		sum += lines[i].count;
	if (sum != THREADS * 100 * (uint64_t)times)
		wrong("%ld increments are %lu", THREADS * 100 * times, sum);
}
