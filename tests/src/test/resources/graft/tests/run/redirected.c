// Threads, a signal's handler and a child that has its parent's memory open the file that the program is told and read a byte of
// it. Says how many have read which, and how many calls have changed what they must not: registers, or the path.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 300
#define MARK 0x1234567890abcdefL

static const char *asked;
static int read_bytes[256];
static int changed;

static long open_asked(const char *path)
{
	register long fourth __asm__("r10") = 0, fifth __asm__("r8") = MARK, sixth __asm__("r9") = MARK + 1;
	long result = 0, first = AT_FDCWD, third = O_RDONLY | O_CLOEXEC, behind, expected;
	const char *second = path;

	__asm__ volatile("lea 1f(%%rip), %[expected]\n\t"
	                 "mov $257, %%eax\n\t"
	                 "syscall\n"
	                 "1:\n\t"
	                 "mov %%rcx, %[behind]\n\t"
	                 "cmp $-4096, %%rax\n\t"
	                 : "+a"(result), "+D"(first), "+S"(second), "+d"(third), "+r"(fourth), "+r"(fifth), "+r"(sixth),
	                   [behind] "=&r"(behind), [expected] "=&r"(expected)
	                 :
	                 : "rcx", "r11", "memory", "cc");
	if (first != AT_FDCWD || second != path || third != (O_RDONLY | O_CLOEXEC) || fourth || fifth != MARK ||
	    sixth != MARK + 1 || behind != expected)
		__atomic_fetch_add(&changed, 1, __ATOMIC_RELAXED);
	return result;
}

static void look(void)
{
	char path[4200];
	unsigned char byte = 0;
	int length = snprintf(path, sizeof(path), "%s", asked);

	memset(path + length + 1, 'x', 40);
	int fd = open_asked(path);
	if (fd >= 0) {
		if (read(fd, &byte, 1) != 1)
			byte = 0;
		close(fd);
	}
	if (strcmp(path, asked) || memcmp(path + length + 1, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 40))
		__atomic_fetch_add(&changed, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&read_bytes[byte], 1, __ATOMIC_RELAXED);
}

static void handle(int number)
{
	(void)number;
	look();
}

static void *looking(void *argument)
{
	for (int i = 0; i < ROUNDS; i++)
		look();
	return argument;
}

static void in_child(void)
{
	int status;
	pid_t child = vfork();

	if (!child) {
		look();
		_exit(0);
	}
	waitpid(child, &status, 0);
}

int main(int count, char **arguments)
{
	struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	pthread_t threads[THREADS];
	char line[16];

	asked = count > 1 ? arguments[1] : "/dev/null";
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = handle, .sa_flags = SA_RESTART}, 0);
	while (fgets(line, sizeof(line), stdin)) {
		memset(read_bytes, 0, sizeof(read_bytes));
		setitimer(ITIMER_REAL, &often, 0);
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], 0, looking, 0);
		for (int i = 0; i < 20; i++)
			in_child();
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], 0);
		setitimer(ITIMER_REAL, &never, 0);
		int others = -read_bytes['a'] - read_bytes['b'];
		for (int i = 0; i < 256; i++)
			others += read_bytes[i];
		printf("a %s b %s others %d changed %d\n", read_bytes['a'] ? "some" : "none", read_bytes['b'] ? "some" : "none",
		       others, changed);
		fflush(stdout);
	}
	return 0;
}
