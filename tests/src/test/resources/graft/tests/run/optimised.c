/*
 * Calls of every kind, in a program without frame pointers. A line names one kind. With the argument `told` it is answered by what the
 * unwinder of the C library finds in each call of `leaf`, `wrapped` and `last`, otherwise by the pid.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KEPT __attribute__((noipa))

enum { TRACES = 400, DEEPEST = 40 };

static int told;
static volatile long sum;
static struct {
	char function;
	int depth;
	void *addresses[DEEPEST];
} traces[TRACES];
static int count;

/* Called by the function that is meant, whose own address in the trace is of no interest. */
#define TELL(name) \
	do { \
		if (told && count < TRACES) { \
			traces[count].function = name; \
			traces[count].depth = backtrace(traces[count].addresses, DEEPEST); \
			count++; \
		} \
	} while (0)

KEPT long leaf(long n)
{
	TELL('l');
	__asm__ volatile("" ::: "memory");
	return 3 * n;
}

KEPT long middle(long n) { return leaf(n) + 1; }

/* Leaves by a jump, so its calls are wrapped; and so does what it jumps to. */
KEPT long last(long n)
{
	TELL('j');
	long r = middle(n);
	if (r & 1)
		r += leaf(r);
	return n > 1000 ? middle(r) : leaf(r);
}

KEPT long wrapped(long n)
{
	TELL('w');
	long r = leaf(n);
	return n > 1000 ? middle(r) : last(r);
}

KEPT long deep(long n)
{
	long r = n ? deep(n - 1) : middle(n);
	__asm__ volatile("" : "+r"(r));
	return r + 1;
}

KEPT long with_alloca(long n)
{
	volatile char *room = alloca(n * 32);
	room[n] = 1;
	return middle(n) + room[n];
}

KEPT long large(long n)
{
	volatile char room[100000];
	room[n] = 1;
	return with_alloca(n) + room[n];
}

/* rbp is a register as others are. */
KEPT long crowded(long n)
{
	long a = n + 1, b = n + 2, c = n + 3, d = n + 4, e = n + 5, f = n + 6;
	__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	long r = middle(n);
	__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	return r + a + b + c + d + e + f;
}

KEPT long aligned(long n)
{
	_Alignas(128) volatile char room[256];
	volatile char *more = alloca(n);
	room[n] = more[0] = 1;
	return crowded(n) + room[n];
}

static int compare(const void *a, const void *b)
{
	sum += middle(1);
	return *(const int *)a - *(const int *)b;
}

/* A frame of three words that its table tells of; the instruction behind the push is at pushed + 1. */
long pushed(long n);
__asm__(".text\n.globl pushed\n.type pushed, @function\npushed:\n.cfi_startproc\n\tpush %rbx\n.cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset %rbx, 0\n\tsub $16, %rsp\n.cfi_adjust_cfa_offset 16\n\tcall leaf\n\tadd $16, %rsp\n.cfi_adjust_cfa_offset -16\n"
	"\tpop %rbx\n.cfi_adjust_cfa_offset -8\n.cfi_restore %rbx\n\tret\n.cfi_endproc\n.size pushed, . - pushed\n");

/* Aligns its stack, so the frame is counted from r10 at aligning + 9, and from what is loaded behind that. */
long aligning(long n);
__asm__(".globl aligning\n.type aligning, @function\naligning:\n.cfi_startproc\n\tlea 8(%rsp), %r10\n.cfi_def_cfa %r10, 0\n"
	"\tand $-64, %rsp\n\tpushq -8(%r10)\n\tpush %rbp\n\tmov %rsp, %rbp\n.cfi_escape 0x10, 0x06, 0x02, 0x76, 0x00\n"
	"\tpush %r10\n.cfi_escape 0x0f, 0x03, 0x76, 0x78, 0x06\n\tsub $8, %rsp\n\tcall leaf\n\tadd $8, %rsp\n\tpop %r10\n"
	".cfi_def_cfa %r10, 0\n\tpop %rbp\n\tlea -8(%r10), %rsp\n.cfi_def_cfa %rsp, 8\n\tret\n.cfi_endproc\n"
	".size aligning, . - aligning\n");

/* Is interrupted where its frame has just been begun, with rbp used for something else. */
long trapped(long n);
__asm__(".text\n.globl trapped\n.type trapped, @function\ntrapped:\n.cfi_startproc\n\tpush %rbp\n.cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset %rbp, 0\n\tmov $1, %ebp\n\tint3\n\tsub $32, %rsp\n.cfi_adjust_cfa_offset 32\n\tint3\n"
	"\tadd $32, %rsp\n.cfi_adjust_cfa_offset -32\n\tpop %rbp\n.cfi_adjust_cfa_offset -8\n.cfi_restore %rbp\n\tmov %rdi, %rax\n"
	"\tret\n.cfi_endproc\n.size trapped, . - trapped\n");

static void handler(int signal) { sum += middle(signal); }

static void *in_thread(void *unused)
{
	sum += crowded(1) + wrapped(2);
	raise(SIGUSR1);
	return unused;
}

/* push %rbp; mov %rsp,%rbp; call *%rsi; pop %rbp; ret: a function that no table knows. */
static const uint8_t made[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd6, 0x5d, 0xc3};

KEPT long through_made(long n, void *code)
{
	long r = ((long (*)(long, long (*)(long)))code)(n, leaf);
	return middle(r) + 1;
}

KEPT static void calls(void)
{
	int numbers[] = {4, 2, 3, 1};
	sum += middle(1) + deep(5) + deep(60) + large(7) + aligned(9) + pushed(10) + aligning(11) + wrapped(2) + wrapped(3);
	qsort(numbers, 4, sizeof(*numbers), compare);
	bsearch(numbers, numbers, 4, sizeof(*numbers), compare);
	raise(SIGUSR1);
	raise(SIGUSR2);
	sum += trapped(11);
	pthread_t thread;
	pthread_create(&thread, 0, in_thread, 0);
	pthread_join(thread, 0);
}

static void handle(int signal, int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
	sigaction(signal, &action, 0);
}

int main(int arguments, char **argument)
{
	static char other_stack[1 << 16];
	stack_t alternate = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
	char line[64];
	void *code = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(code, made, sizeof(made));
	mprotect(code, 4096, PROT_READ | PROT_EXEC);
	told = arguments > 1 && !strcmp(argument[1], "told");
	handle(SIGUSR1, 0);
	handle(SIGUSR2, SA_ONSTACK);
	handle(SIGTRAP, 0);
	sigaltstack(&alternate, 0);
	while (fgets(line, sizeof(line), stdin)) {
		count = 0;
		if (!strcmp(line, "calls\n"))
			calls();
		if (!strcmp(line, "made\n"))
			sum += through_made(12, code);
		if (!told)
			printf("%d", getpid());
		for (int i = 0; i < count; i++) {
			printf(" %c", traces[i].function);
			for (int j = 1; j < traces[i].depth; j++)
				printf(",%lx", (unsigned long)traces[i].addresses[j]);
		}
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
