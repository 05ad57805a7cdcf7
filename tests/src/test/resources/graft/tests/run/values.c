/* Calls of probed_at in every kind of thread and process; each line is answered by the pid when they are done. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__attribute__((noipa)) void probed_at(const char *text, unsigned long tai, struct stat *namespace, long thread)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x44, 0, 0" : : "r"(text), "r"(tai), "r"(namespace), "r"(thread) : "memory");
}

static void probed(const char *text)
{
	struct timespec now;
	struct stat namespace;
	stat("/proc/self/ns/pid", &namespace);
	clock_gettime(CLOCK_TAI, &now);
	probed_at(text, now.tv_sec * 1000000000ul + now.tv_nsec, &namespace, syscall(SYS_gettid));
}

static void *in_thread(void *text)
{
	probed(text);
	prctl(PR_SET_NAME, "a thread's name that is too long");
	probed(text);
	return 0;
}

/* Real ids only, so that the way back is open; of this thread only, as the kernel has it. */
static void as_others(const char *text)
{
	syscall(SYS_setresuid, 1234, -1, -1);
	syscall(SYS_setresgid, 4321, -1, -1);
	probed(text);
	syscall(SYS_setresuid, 0, -1, -1);
	syscall(SYS_setresgid, 0, -1, -1);
}

static void calls(void)
{
	char *end = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;
	mprotect(end + 4096, 4096, PROT_NONE);
	end += 4096;
	strcpy(end - 6, "ended");
	memset(end - 100, 'x', 90);
	probed("");
	probed("seven..");
	probed("exactly as long as it may be: 31");
	probed("longer than what the program has room for");
	probed(end - 6);
	end[-1] = '!';
	probed(end - 6);
	probed(end);
	probed(0);
	probed((char *)8);
	probed((char *)-8);
	probed((char *)(1ull << 63));
	as_others("others");
	pthread_create(&thread, 0, in_thread, "thread");
	pthread_join(thread, 0);
	prctl(PR_SET_NAME, "renamed");
	probed("renamed");
	prctl(PR_SET_NAME, "values");
	munmap(end - 4096, 8192);
}

int main(void)
{
	char line[64];
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "calls\n"))
			calls();
		printf("%d\n", getpid());
		fflush(stdout);
	}
	return 0;
}
