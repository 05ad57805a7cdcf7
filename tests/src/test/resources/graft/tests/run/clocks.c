/* Calls getppid for each line. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		printf("%d\n", getppid());
		fflush(stdout);
	}
	return 0;
}
