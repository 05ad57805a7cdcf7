// Calls functions of the C library that have one implementation for each kind of processor, a thousand times a line.
#include <stdio.h>
#include <string.h>
#include <strings.h>

int main(void)
{
	char line[16];
	size_t (*volatile span)(const char *, const char *) = strspn;
	int (*volatile compare)(const char *, const char *) = strcasecmp;

	while (fgets(line, sizeof(line), stdin)) {
		long sum = 0;

		for (int i = 0; i < 1000; i++)
			sum += span("aab", "a") + compare("x", "X");
		printf("%ld\n", sum);
		fflush(stdout);
	}
	return 0;
}
