/*
 * Syscall User Dispatch: each line names a child that makes a system call which the kernel is to turn into SIGSYS; the answer is
 * how the child ended. All of its own calls go through the library, outside the allowed range.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
enum { ALLOW, BLOCK, PAGE = 4096, STACK_LEFT = 1536, SA_WITH_RESTORER = 0x04000000 };

struct kernel_action {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

extern char __start_allowed[], __stop_allowed[];
void restorer(void);
__asm__(".pushsection allowed, \"ax\"\n"
	"restorer: mov $15, %eax\n"
	"syscall\n"
	".popsection");

__attribute__((section("allowed"), noinline)) static long call_from_here(long number, greg_t *registers)
{
	register long fourth __asm__("r10") = registers[REG_R10];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(registers[REG_RDI]), "S"(registers[REG_RSI]), "d"(registers[REG_RDX]), "r"(fourth)
			 : "rcx", "r11", "memory");
	return result;
}

static volatile char *selector;

static void on_dispatch(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	registers[REG_RAX] = call_from_here(registers[REG_RAX], registers);
}

/* What the child does to the call of its own that is to be dispatched. */
static long dispatched(const char *how)
{
	sigset_t all;
	char *stack;
	long result = 0;

	sigfillset(&all);
	if (!strcmp(how, "blocked"))
		sigprocmask(SIG_SETMASK, &all, NULL);
	if (!strcmp(how, "unmapped"))
		munmap((void *)selector, PAGE);
	else
		*selector = BLOCK;
	if (strcmp(how, "small"))
		return syscall(SYS_getpid);
	*selector = ALLOW;
	stack = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(stack, PAGE, PROT_NONE);
	*selector = BLOCK;
	__asm__ volatile("mov %%rsp, %%rbx\n"
			 "lea %c2(%1), %%rsp\n"
			 "mov $39, %%eax\n"
			 "syscall\n"
			 "mov %%rbx, %%rsp"
			 : "=&a"(result)
			 : "r"(stack + PAGE), "i"(STACK_LEFT)
			 : "rbx", "rcx", "r11", "memory");
	return result;
}

static void child(const char *how, int go)
{
	struct kernel_action action = { on_dispatch, SA_SIGINFO | SA_WITH_RESTORER | SA_NODEFER, restorer, 0 };
	char byte;

	if (strcmp(how, "traced"))
		syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, 8);
	selector = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, __start_allowed, __stop_allowed - __start_allowed, selector))
		_exit(2);
	if (!strcmp(how, "traced") && read(go, &byte, 1) != 1)
		_exit(3);
	pid_t own = getpid();
	long result = dispatched(how);
	if (strcmp(how, "unmapped"))
		*selector = ALLOW;
	_exit(result == own ? 0 : 1);
}

/* A tracer that ends when its tracee stands before the delivery of the signal. */
static void trace(pid_t pid, int go)
{
	pid_t tracer = fork();
	int status;

	if (!tracer) {
		ptrace(PTRACE_SEIZE, pid, NULL, NULL);
		if (write(go, "x", 1) != 1)
			_exit(1);
		waitpid(pid, &status, __WALL);
		_exit(0);
	}
	waitpid(tracer, &status, 0);
}

int main(void)
{
	char how[32];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (scanf("%31s", how) == 1) {
		int go[2], status = 0;

		if (!strcmp(how, "ready")) {
			puts("ready");
			continue;
		}
		if (pipe(go))
			return 1;
		pid_t pid = fork();
		if (!pid)
			child(how, go[0]);
		if (!strcmp(how, "traced"))
			trace(pid, go[1]);
		waitpid(pid, &status, 0);
		close(go[0]);
		close(go[1]);
		if (WIFSIGNALED(status))
			printf("SIG%s\n", sigabbrev_np(WTERMSIG(status)));
		else
			printf("exit %d\n", WEXITSTATUS(status));
	}
	return 0;
}
