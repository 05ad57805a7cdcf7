// Opens two files and asks for its parent; says with which errors, or that all is well.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_error(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

int main(void)
{
	char line[16];

	while (fgets(line, sizeof(line), stdin)) {
		int by_name = getppid(), by_number = syscall(SYS_getppid);

		printf("comm %d version %d parent %s number %s\n", open_error("/proc/self/comm"), open_error("/proc/version"),
		       by_name > 0 ? "known" : "unknown", by_number > 0 ? "known" : "unknown");
		fflush(stdout);
	}
	return 0;
}
