/* Calls of probed and parsed with texts for each line, which is answered by the pid. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

__attribute__((noipa)) void probed(const char *shorter, const char *longer, const char *cut, const char *last)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x44, 0, 0" : : "r"(shorter), "r"(longer), "r"(cut), "r"(last) : "memory");
}

__attribute__((noipa)) void parsed(const char *text, long size, long flags)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x44, 0, 0" : : "r"(text), "r"(size), "r"(flags) : "memory");
}

/* Parts of numbers in all orders that come, in bases that there are and are not. */
static void numbers(void)
{
	static const char *const parts[] = {
		"", " ", "\t\n", "\xa0", "-", "+", "0", "0x", "0X", "x", "7", "8", "19", "fF", "g", "00", "9223372036854775807",
		"9223372036854775808", "18446744073709551615", "18446744073709551616", "ffffffffffffffff", "777777777777777777777",
		"00000000000000000000000000000000000000000000000000000000000000000000000",
	};
	static const long flags[] = {0, 8, 10, 16, 2, 31, 32, 1l << 32};
	char text[300];

	srand(3);
	for (int i = 0; i < 1500; i++) {
		memset(text, 0, sizeof(text));
		for (int j = rand() % 4; j >= 0; j--)
			strcat(text, parts[(unsigned)rand() % (sizeof(parts) / sizeof(*parts))]);
		parsed(text, rand() % 4 ? (long)strlen(text) : rand() % 6, flags[rand() % (rand() % 4 ? 4 : 8)]);
	}
}

int main(void)
{
	static char longer[700];
	char line[64], *end = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(end + 4096, 4096, PROT_NONE);
	end += 4096;
	strcpy(end - 200, "over the end");
	memset(end - 5, 'x', 5);
	memset(longer, 'l', sizeof(longer) - 1);
	strcpy(end - 20, "up to it");
	while (fgets(line, sizeof(line), stdin)) {
		numbers();
		probed("seven..", longer, end - 5, end - 20);
		printf("%d\n", getpid());
		fflush(stdout);
	}
	return 0;
}
