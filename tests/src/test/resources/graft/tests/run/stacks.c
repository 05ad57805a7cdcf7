/* Calls of every kind, with frame pointers; a line names one, and each is answered by the pid. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEPT __attribute__((noipa))

KEPT long leaf(long n)
{
	__asm__ volatile("" ::: "memory");
	return 3 * n;
}

KEPT long middle(long n) { return leaf(n) + 1; }

/* Leaves by a jump, so its calls are wrapped; and so does what it jumps to. */
KEPT long last(long n)
{
	long r = middle(n);
	if (r & 1)
		r += leaf(r);
	return n > 1000 ? middle(r) : leaf(r);
}

KEPT long jumps(long n)
{
	long r = leaf(n);
	return n > 1000 ? middle(r) : last(r);
}

KEPT long deep(long n)
{
	long r = n ? deep(n - 1) : middle(n);
	__asm__ volatile("" : "+r"(r));
	return r + 1;
}

/* No frame: begins with neither push %rbp nor endbr64. */
long bare(long n);
__asm__(".globl bare\n.type bare, @function\nbare:\n\tsub $8, %rsp\n\tcall leaf\n\tadd $8, %rsp\n\tret\n.size bare, . - bare\n");

/* Calls leaf with a frame pointer that leads nowhere, to no address at all, and to itself. */
long astray(long n, void *to);
__asm__(".globl astray\n.type astray, @function\nastray:\n\tpush %rbp\n\tmov %rsi, %rbp\n\tcall leaf\n\tpop %rbp\n\tret\n"
	".size astray, . - astray\n");
long circle(long n);
__asm__(".globl circle\n.type circle, @function\ncircle:\n\tpush %rbp\n\tsub $16, %rsp\n\tmov %rsp, %rbp\n\t"
	"mov %rbp, (%rsp)\n\tmovq $77, 8(%rsp)\n\tcall leaf\n\tadd $16, %rsp\n\tpop %rbp\n\tret\n.size circle, . - circle\n");

/* Begins with endbr64, as everything does where that is the compiler's default. */
long marked(long n);
__asm__(".globl marked\n.type marked, @function\nmarked:\n\tendbr64\n\tpush %rbp\n\tmov %rsp, %rbp\n\tcall leaf\n\tpop %rbp\n\tret\n"
	".size marked, . - marked\n");

static volatile long sum;

static void handler(int signal) { sum += middle(signal); }

static void *in_thread(void *unused)
{
	sum += middle(1);
	sum += jumps(2);
	return unused;
}

int main(void)
{
	char line[64];
	signal(SIGUSR1, handler);
	while (fgets(line, sizeof(line), stdin)) {
		pthread_t thread;
		if (!strcmp(line, "calls\n")) {
			sum += middle(1) + jumps(2) + jumps(3) + bare(4) + deep(5) + deep(150);
			sum += astray(6, (void *)8) + astray(7, (void *)(1ull << 63)) + astray(8, line + 3) + circle(9);
			raise(SIGUSR1);
			pthread_create(&thread, 0, in_thread, 0);
			pthread_join(thread, 0);
		}
		if (!strcmp(line, "marked\n"))
			sum += marked(1);
		printf("%d\n", getpid());
		fflush(stdout);
	}
	return 0;
}
