/*
 * A seccomp filter that ends the process at calls that the program does not make itself, and at any call that is made
 * somewhere else than where the C library and the program have a syscall instruction.
 *
 * probes: uprobe:work
 * requirements: 28
 * options: -O2 -pthread -Wno-unused-result
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracee.h"

static const int numbers[] = {
	SYS_read, SYS_write, SYS_close, SYS_openat, SYS_poll, SYS_lseek, SYS_getppid, SYS_gettid, SYS_pipe2, SYS_pipe, SYS_mmap,
	SYS_munmap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_clone, SYS_clone3, SYS_vfork, SYS_wait4, SYS_exit, SYS_exit_group,
	SYS_futex, SYS_rseq, SYS_set_robust_list, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_rt_sigreturn, SYS_setitimer,
	SYS_clock_nanosleep, SYS_newfstatat, SYS_restart_syscall,
};

enum { NUMBERS = sizeof numbers / sizeof *numbers, FILTER = 4096 };

static struct sock_filter filter[FILTER];
static unsigned short length;

static void add(struct sock_filter insn)
{
	if (length == FILTER)
		abort();
	filter[length++] = insn;
}

/* Every place with the bytes of a syscall instruction; the filter is asked with the address behind it. */
static void add_places(const unsigned char *start, const unsigned char *end)
{
	for (const unsigned char *at = start; at + 1 < end; at++) {
		if (at[0] == 0x0f && at[1] == 0x05) {
			add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(unsigned long)(at + 2), 0, 1));
			add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
		}
	}
}

static void confine(void)
{
	unsigned long start, end;
	char line[512], rights[8];
	FILE *maps = fopen("/proc/self/maps", "r");

	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	for (int i = 0; i < NUMBERS; i++)
		add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i], (unsigned char)(NUMBERS - i), 0));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)));
	while (fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3 && rights[2] == 'x' && !strstr(line, "vsyscall"))
			add_places((void *)start, (void *)end);
	fclose(maps);
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	struct sock_fprog program = { length, filter };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		wrong("no filter: errno %d", errno);
}

/* The filter is one that kills. */
static void die(const void *code)
{
	int status;
	pid_t child = fork();

	if (!child) {
		if (code)
			((void (*)(void))code)();
		else
			syscall(SYS_sched_yield);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		wrong("the filter let a call through: status %x", status);
}

static void on_alarm(int signal)
{
	int error = errno;

	(void)signal;
	lseek(-7, 1, 3);
	errno = error;
}

__attribute__((noinline, noclone)) long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

static void *caller(void *unused)
{
	for (int i = 0; i < 10; i++)
		if (lseek(-7, 1, 3) != -1 || errno != EBADF || syscall(SYS_gettid) != gettid())
			wrong("a thread's calls");
	return unused;
}

static void interrupted(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval every = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
	struct timespec time = { 0, 2000000 }, left;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	while (nanosleep(&time, &left)) {
		if (errno != EINTR)
			wrong("nanosleep: errno %d", errno);
		time = left;
	}
	setitimer(ITIMER_REAL, &never, NULL);
}

static void others(void)
{
	int status, ends[2];
	char byte = 0;
	pthread_t thread;

	int fd = open("/proc/self/comm", O_RDONLY);
	if (read(fd, &byte, 1) != 1 || close(fd))
		wrong("open, read, close");
	pthread_create(&thread, NULL, caller, NULL);
	pthread_join(thread, NULL);
	if (pipe(ends))
		wrong("no pipe");
	pid_t child = fork();
	if (!child) {
		write(ends[1], "x", 1);
		_exit(3);
	}
	if (read(ends[0], &byte, 1) != 1 || byte != 'x' || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 3)
		wrong("fork: status %x", status);
	close(ends[0]);
	close(ends[1]);
	child = vfork();
	if (!child)
		_exit(4);
	if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 4)
		wrong("vfork: status %x", status);
	interrupted();
}

static void work_on(long times)
{
	static const unsigned char elsewhere[] = { 0xb8, SYS_getppid, 0, 0, 0, 0x0f, 0x05, 0xc3 };

	probes = 2;
	if (!length) {
		void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memcpy(code, elsewhere, sizeof elsewhere);
		confine();
		mprotect(code, 4096, PROT_READ | PROT_EXEC);
		die(NULL);
		die(code);
	}
	for (long i = 0; i < times; i++) {
		if (i % 50 == 0)
			others();
		if (work(i) != i + 1 || getppid() <= 0)
			wrong("work(%ld) is wrong", i);
		calls[0]++;
		calls[1]++;
	}
}
