// Calls its functions once for every line it reads, and answers what came of it.
#include <setjmp.h>
#include <stdio.h>

static jmp_buf back;

__attribute__((noinline)) long work_a(long a)
{
	volatile long x = a;
	return x + 1;
}

__attribute__((noinline)) long work_b(long a)
{
	volatile long x = a;
	return x * 2 + work_a(a + 1);
}

__attribute__((noinline)) long work_recursive(long a)
{
	volatile long x = a;
	return x <= 0 ? 0 : 1 + work_recursive(x - 1);
}

__attribute__((noinline)) long work_j(long a)
{
	volatile long x = a;
	if (x == 5)
		longjmp(back, 1);
	return x + 2;
}

int main(void)
{
	char line[16];

	while (fgets(line, sizeof(line), stdin)) {
		volatile long sum = 0;

		for (volatile long i = 0; i < 100; i++) {
			if (setjmp(back) == 0)
				sum += work_j(i);
			sum += work_a(i) + work_b(i);
		}
		sum += work_recursive(20);
		printf("%ld\n", sum);
		fflush(stdout);
	}
	return 0;
}
