/* Calls of strings with random ones for each line, which is answered by the pid. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST 65536

__attribute__((noipa)) void strings(const char *one, unsigned long lengths, const char *other, unsigned long count, long how)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x44, 0, 0"
			 : : "r"(one), "r"(lengths), "r"(other), "r"(count), "r"(how) : "memory");
}

static const char letters[] = "aaabAB\xc0\xe0\xd7\xf7\xff\x01";

static int letter(int kinds) { return letters[rand() % kinds]; }

/* Mostly short ones of few letters, which have something in common. */
static unsigned long fill(char *text)
{
	unsigned long length = rand() % 4 ? rand() % 6 : rand() % 400;
	int kinds = rand() % 2 ? 4 : (int)sizeof(letters) - 1;
	for (unsigned long i = 0; i < length; i++)
		text[i] = (char)letter(kinds);
	text[length] = 0;
	return length + 1;
}

static long number(void)
{
	static const long others[] = {0, -1, 0x161, 256, 0xff, 0xffffffff};
	return rand() % 4 ? letter((int)sizeof(letters) - 1) : others[(unsigned)rand() % (sizeof(others) / sizeof(*others))];
}

static void calls(void)
{
	static char one[LONGEST + 128], other[LONGEST + 128];
	static const unsigned long counts[] = {0, 1, 2, 3, 5, 200, LONGEST - 1, LONGEST, LONGEST + 1, 1ul << 32, -1ul};
	srand(5);
	for (int i = 0; i < 650; i++) {
		unsigned long first = fill(one), second = fill(other), count = counts[(unsigned)rand() % (sizeof(counts) / sizeof(*counts))];
		long how = rand() % 5 ? 0 : rand() % 6 | (rand() % 6) << 4;
		if (rand() % 3 == 0 && first + second < LONGEST) {
			memmove(one + first - 1, other, second); /* the end of one is the other */
			first += second - 1;
		}
		strings(one, first | second << 32, other, count, how | number() << 8);
	}
	/* Around the longest. */
	memset(one, 'a', sizeof(one));
	memset(other, 'a', sizeof(other));
	for (int i = 0; i < 50; i++) {
		unsigned long end = LONGEST - 2 + i % 5, part = i % 3 ? i % 3 : LONGEST - 1 + i % 2;
		one[end] = 0;
		other[part] = 0;
		strings(one, (end + 1) | (part + 1) << 32, other, LONGEST - 1 + i % 3, (long)"ab\0"[i % 3] << 8);
		one[end] = 'a';
		other[part] = 'a';
	}
}

int main(void)
{
	char line[64];
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "call\n"))
			calls();
		printf("%d\n", getpid());
		fflush(stdout);
	}
	return 0;
}
