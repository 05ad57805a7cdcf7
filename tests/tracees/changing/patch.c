/*
 * Functions whose code is replaced while four threads call them. Each result is the old or the new one; the answer says how
 * often it was the new one.
 *
 * probes: uprobe:fixed uprobe:branchy uprobe:compiled uprobe:looping uprobe:calling
 * options: -O2 -mno-red-zone -pthread
 */
#include <pthread.h>

#include "tracee.h"

enum { THREADS = 4 };

#define NOINLINE __attribute__((noinline, noclone, noipa))

long fixed(long n);
long branchy(long n);
long looping(long n);
long calling(long n);

__asm__(".text\n"
	".globl fixed, branchy, looping, calling\n"
	".type fixed, @function\n"
	".type branchy, @function\n"
	".type looping, @function\n"
	".type calling, @function\n"
	"fixed:\n"
	"	mov $7, %eax\n"
	"	ret\n"
	".size fixed, . - fixed\n"
	".p2align 4\n"
	"branchy:\n"
	"	test %rdi, %rdi\n" /* 3 bytes */
	"	je 1f\n" /* 2 bytes: 74 06 */
	"	mov $1, %eax\n"
	"	ret\n"
	"1:	mov $2, %eax\n"
	"	ret\n"
	".size branchy, . - branchy\n"
	".p2align 4\n"
	"looping:\n"
	"	xor %eax, %eax\n"
	"2:	inc %rax\n" /* 2 bytes into the function */
	"	dec %rdi\n"
	"	jg 2b\n"
	"	ret\n"
	".size looping, . - looping\n"
	".p2align 6\n"
	"calling:\n"
	"	sub $8, %rsp\n" /* 4 bytes */
	"	call 3f\n" /* e8 17 00 00 00 */
	"	add $8, %rsp\n"
	"	ret\n"
	".size calling, . - calling\n"
	".p2align 5\n"
	"3:	mov $20, %eax\n"
	"	ret\n");

/* For the function that replaces "compiled". */
NOINLINE long helper(long n)
{
	return 3 * n;
}

long factor = 5;

NOINLINE long compiled(long n)
{
	return helper(n) + factor;
}

static void check(int function, long n, long result, long old, long new)
{
	if (result == new)
		__atomic_fetch_add(&calls[function], 1, __ATOMIC_RELAXED);
	else if (result != old)
		wrong("function %d gives %ld for %ld", function, result, n);
}

static void *work_alone(void *argument)
{
	long times = (long)argument;

	for (long n = 0; n < times; n++) {
		check(0, n, fixed(n), 7, 8);
		check(1, n, branchy(0), 2, 1);
		check(2, n, compiled(n), 3 * n + 5, -(3 * n + 5 + (n & 1 ? 1000 : 2000)));
		check(3, n, looping(3), 3, 77);
		check(4, n, calling(n), 20, 21);
	}
	return NULL;
}

static void work_on(long times)
{
	pthread_t threads[THREADS];

	probes = 5;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work_alone, (void *)times);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}
