/* Calls of asked in random order for each line, which is answered by the pid. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define START 0x100000000000ul
#define PAGE 4096ul

__attribute__((noipa)) void asked(long what, unsigned long address, unsigned long count, unsigned long flags)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x44, 0, 0" : : "r"(what), "r"(address), "r"(count), "r"(flags) : "memory");
}

static unsigned long address(void)
{
	static const unsigned long others[] = {0, 1, 8, PAGE, 99 * PAGE, 100 * PAGE, 101 * PAGE, START + 8, START - PAGE, 1ul << 32};
	if (rand() % 12 == 0)
		return START + others[(unsigned)rand() % (sizeof(others) / sizeof(*others))];
	return START + (unsigned)rand() % 100 * PAGE;
}

static unsigned long count(void)
{
	static const unsigned long others[] = {0, 99, 100, 101, 1 << 20, 0xffffffff};
	if (rand() % 16 == 0)
		return others[(unsigned)rand() % (sizeof(others) / sizeof(*others))];
	return 1 + (unsigned)rand() % (rand() % 3 ? 3 : 20);
}

/* The order of gaps of the same size is nobody's promise, so addresses are named, but where there is one gap. */
static void calls(void)
{
	srand(9);
	asked(0, 0, 1, 0);
	asked(0, 0, 3, 0);
	asked(0, 0, 97, 0);
	asked(0, 0, 96, 0);
	asked(0, 0, 1, 0);
	asked(1, START + 7 * PAGE + 5, 2, 0);
	asked(0, 0, 3, 0);
	asked(0, 0, 2, 0);
	asked(1, START, 1000, 0);
	asked(0, 0, 100, 1);
	asked(0, 0, 100, 0);
	asked(1, START, 100, 0);
	for (int i = 0; i < 1900; i++) {
		int what = rand() % 20;
		what = what < 9 ? 0 : what < 18 ? 1 : 2;
		asked(what, address(), count(), rand() % 30 == 0);
		if (i % 200 == 199)
			asked(1, START, 100, 0);
	}
}

int main(void)
{
	char line[64];
	while (fgets(line, sizeof(line), stdin)) {
		if (line[0] == 'c')
			calls();
		printf("%d\n", getpid());
		fflush(stdout);
	}
	return 0;
}
