/* Says what handlers have seen of the signals that a program at its functions sends: a line for each line. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PLACE 0x5eed5eed5

struct list {
	unsigned long count;
	struct {
		unsigned number, to_thread;
	} signal[8];
};

static volatile int effect, depth, jumps;
static volatile unsigned handled;
static char seen[4096];
static pid_t main_thread;
static sigjmp_buf back;
static volatile long kept = 77;

/* Everything that a caller relies on is as it was when the handler comes back. */
__attribute__((noipa)) long probed_at(const struct list *list, long a, long b)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x44, 0, 0" : : "r"(list), "r"(a), "r"(b) : "memory");
	effect++;
	return a + b;
}

__attribute__((noipa)) long tailed(const struct list *list)
{
	effect++;
	return list->count;
}

__attribute__((noipa)) long looped(const struct list *list)
{
	effect++;
	return list->count;
}

__attribute__((noipa)) const struct list *returned_from(const struct list *list)
{
	effect++;
	return list;
}

__attribute__((noipa)) long inner(const struct list *list)
{
	long sum = 0;
	for (long i = 0; i < 3; i++)
		sum += i * kept;
	__asm__ volatile("cmp $1, %0\n.globl inside\n.type inside, @function\ninside: .byte 0x0f, 0x1f, 0x44, 0, 0\nsetne %%al\nmovzbl %%al, %%eax\nadd %%rax, %1"
			 : : "r"(list), "r"(sum) : "rax", "memory", "cc");
	effect++;
	return sum;
}

static void note(const char *what, long number)
{
	size_t length = strlen(seen);
	snprintf(seen + length, sizeof(seen) - length, "%s%ld", what, number);
}

static void handler(int number, siginfo_t *info, void *context)
{
	(void)context;
	depth++;
	note(" ", number);
	note(" code=", info->si_code);
	note(" errno=", info->si_errno);
	note(" pid=", info->si_pid);
	note(" uid=", info->si_uid);
	note(" main=", syscall(SYS_gettid) == main_thread);
	note(" effect=", effect);
	note(" depth=", depth);
	depth--;
	__atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
	if (jumps)
		siglongjmp(back, 1);
}

static void handle(int number, int flags, int blocked)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
	if (blocked)
		sigaddset(&action.sa_mask, blocked);
	sigaction(number, &action, 0);
}

/* "number" or "number/" for the thread, separated by blanks. */
static struct list parsed(char *text)
{
	struct list list = {0, {{0, 0}}};
	for (char *word = strtok(text, " \n"); word && list.count < 8; word = strtok(0, " \n"), list.count++) {
		list.signal[list.count].number = (unsigned)strtol(word, &word, 10);
		list.signal[list.count].to_thread = *word == '/';
	}
	return list;
}

static void *in_thread(void *list)
{
	probed_at(list, 1, 2);
	return 0;
}

static int stays;

static void *waiting(void *unused)
{
	const struct timespec nap = {0, 1000000};
	while (!__atomic_load_n(&handled, __ATOMIC_SEQ_CST) || !__atomic_load_n(&stays, __ATOMIC_SEQ_CST))
		nanosleep(&nap, 0);
	return unused;
}

/* Where the thread that calls blocks what it is sent; with another thread that does not, that one is given it. */
static void blocked(struct list *list, int with_other)
{
	sigset_t set, old;
	pthread_t other;
	handled = stays = 0;
	if (with_other)
		pthread_create(&other, 0, waiting, 0);
	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	probed_at(list, 1, 2);
	if (with_other) {
		__atomic_store_n(&stays, 1, __ATOMIC_SEQ_CST);
		pthread_join(other, 0);
	}
	note(" behind=", effect);
	pthread_sigmask(SIG_SETMASK, &old, 0);
}

static int filtered(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &allow};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void run(const char *how, struct list *list)
{
	pthread_t thread;
	if (!strcmp(how, "entry"))
		note(" sum=", probed_at(list, 30, 12));
	else if (!strcmp(how, "return"))
		note(" same=", returned_from(list) == list);
	else if (!strcmp(how, "loop"))
		note(" count=", looped(list));
	else if (!strcmp(how, "tail"))
		note(" count=", tailed(list));
	else if (!strcmp(how, "inner"))
		note(" sum=", inner(list));
	else if (!strcmp(how, "call"))
		note(" place=", lseek(fileno(tmpfile()), PLACE, SEEK_SET) == PLACE);
	else if (!strcmp(how, "thread"))
		pthread_create(&thread, 0, in_thread, list), pthread_join(thread, 0);
	else if (!strcmp(how, "blocked"))
		blocked(list, 0);
	else if (!strcmp(how, "other"))
		blocked(list, 1);
	else if (!strcmp(how, "ignored"))
		signal(SIGUSR1, SIG_IGN), probed_at(list, 1, 2), handle(SIGUSR1, 0, 0);
	else if (!strcmp(how, "mask"))
		handle(SIGUSR1, 0, SIGUSR2), probed_at(list, 1, 2), handle(SIGUSR1, 0, 0);
	else if (!strcmp(how, "stack"))
		handle(SIGUSR1, SA_ONSTACK, 0), probed_at(list, 1, 2), handle(SIGUSR1, 0, 0);
	else if (!strcmp(how, "filter"))
		note(" filter=", filtered());
	else if (!strcmp(how, "jump")) {
		jumps = 1;
		if (!sigsetjmp(back, 1))
			probed_at(list, 1, 2);
		jumps = depth = 0;
	}
}

int main(void)
{
	static char alternate[65536];
	const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	const int numbers[] = {SIGUSR1, SIGUSR2, SIGSEGV, SIGCONT, SIGCHLD, 34, 40, 41, 64};
	char line[256];
	main_thread = getpid();
	sigaltstack(&stack, 0);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		handle(numbers[i], 0, 0);
	while (fgets(line, sizeof(line), stdin)) {
		char *text = strchr(line, ' ');
		struct list list = {0, {{0, 0}}};
		if (text) {
			*text = 0;
			list = parsed(text + 1);
		} else {
			line[strcspn(line, "\n")] = 0;
		}
		effect = 0;
		strcpy(seen, "seen:");
		run(line, &list);
		note(" end=", effect);
		puts(seen);
		fflush(stdout);
	}
	return 0;
}
