/*
 * Runs instructions where a program has them and where they were moved to, from the same state, and compares registers,
 * flags, vectors, memory and how each run ended. The code around is int3, so every run ends in a signal: the handler
 * notes the state of one run, makes that of the next and returns into it. It calls nothing that needs thread-local
 * memory, for the instructions may use fs.
 *
 * usage: relocation-runner FILE; a line for each difference, then "ran N trapped M"
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <cpuid.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

#define AREA 8192
/* No multiple of these, or sum of two, is near to anything else that is mapped: it would not be restored. */
#define SCRATCH ((uint8_t *)0x0a1b30000000)
#define STACK ((uint8_t *)0x0c3d50000000)
#define TEXT_ALIAS ((uint8_t *)0x300000000000)
#define POOL_ALIAS ((uint8_t *)0x310000000000)
#define POOL_SIZE 4096
#define NEAR 64
#define XSTATE 4096
#define ARITHMETIC 0xcd5
#define OPERANDS 6
#define MOVES 8

struct header {
	uint64_t count, text, text_size, image, image_size, pool;
};

struct move {
	uint16_t from, to;
};

struct window {
	uint64_t seed, start;
	uint32_t length, moved_length;
	uint8_t moves, operands, calls, unused[5];
	uint8_t bytes[32], moved[160];
	struct move places[MOVES];
	uint64_t operand[OPERANDS];
};

struct outcome {
	int64_t registers[16];
	uint64_t flags, ip, fault;
	int signal;
	uint8_t vectors[XSTATE];
	uint8_t scratch[AREA], stack[AREA], operands[OPERANDS][NEAR];
};

static struct header *header;
static struct window *windows;
static uint8_t pristine[2][AREA], kept[OPERANDS][NEAR], random_state[XSTATE];
static struct outcome native, moved;
static uint64_t next, differences, trapped;
static uint32_t part_offset[8], part_size[8];
static uint64_t present_parts = 3; /* x87 and xmm */
static enum { BEGIN, NATIVE, MOVED } phase;

static uint64_t mix(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void say(const char *text)
{
	syscall(SYS_write, 1, text, strlen(text));
}

static void number(char *to, uint64_t value)
{
	for (int i = 15; i >= 0; i--, value >>= 4)
		to[i] = "0123456789abcdef"[value & 15];
}

static void differs(const char *what, uint64_t a, uint64_t b)
{
	char line[128] = "differs ";
	number(line + 8, next);
	line[24] = ' ';
	number(line + 25, a);
	line[41] = ' ';
	number(line + 42, b);
	line[58] = ' ';
	strncpy(line + 59, what, 60);
	strcat(line, "\n");
	say(line);
	differences++;
}

static int in_image(uint64_t address)
{
	return address >= header->image && address + NEAR <= header->image + header->image_size;
}

/* The next run's code is in place; everything that it may touch becomes as it was. */
static void prepare(ucontext_t *context, uint64_t ip)
{
	struct window *window = &windows[next];
	uint64_t state = window->seed;
	greg_t *registers = context->uc_mcontext.gregs;
	memcpy(SCRATCH, pristine[0], AREA);
	memcpy(STACK, pristine[1], AREA);
	for (int i = 0; i < 15; i++) {
		uint64_t value = mix(&state), kind = mix(&state) % 10;
		if (kind < 6)
			value = (uint64_t)SCRATCH + AREA / 2 + (value % 1024) * 4 - 2048;
		else if (kind < 8)
			value %= 64;
		registers[i] = (greg_t)value;
	}
	registers[REG_RSP] = (greg_t)(STACK + AREA / 2 + mix(&state) % 2 * 8);
	registers[REG_EFL] = (greg_t)((mix(&state) & ARITHMETIC) | 0x202);
	registers[REG_RIP] = (greg_t)ip;
	uint8_t *vectors = (uint8_t *)context->uc_mcontext.fpregs;
	memcpy(vectors + 160, random_state + 160, 256);
	for (int part = 2; part < 8; part++)
		if (part_size[part] && part_offset[part])
			memcpy(vectors + part_offset[part], random_state + part_offset[part], part_size[part]);
	memset(vectors, 0, 160);
	*(uint16_t *)vectors = 0x37f;
	*(uint32_t *)(vectors + 24) = 0x1f80;
	*(uint64_t *)(vectors + 512) |= present_parts;
}

static void note(struct outcome *outcome, int signal, siginfo_t *info, ucontext_t *context)
{
	struct window *window = &windows[next];
	greg_t *registers = context->uc_mcontext.gregs;
	uint8_t *vectors = (uint8_t *)context->uc_mcontext.fpregs;
	uint64_t present = *(uint64_t *)(vectors + 512);
	for (int i = 0; i < 16; i++)
		outcome->registers[i] = registers[i];
	outcome->flags = (uint64_t)registers[REG_EFL] & ARITHMETIC;
	outcome->ip = (uint64_t)registers[REG_RIP];
	outcome->signal = signal;
	outcome->fault = signal == SIGSEGV ? (uint64_t)info->si_addr : 0;
	memcpy(outcome->vectors, vectors, 416);
	memset(outcome->vectors + 8, 0, 8); /* where the last x87 instruction was */
	for (int part = 2; part < 8; part++) {
		if (!part_size[part] || !part_offset[part])
			continue;
		if (present >> part & 1)
			memcpy(outcome->vectors + part_offset[part], vectors + part_offset[part], part_size[part]);
		else
			memset(outcome->vectors + part_offset[part], 0, part_size[part]);
	}
	memcpy(outcome->scratch, SCRATCH, AREA);
	memcpy(outcome->stack, STACK, AREA);
	for (int i = 0; i < window->operands; i++)
		if (in_image(window->operand[i]))
			memcpy(outcome->operands[i], (void *)window->operand[i], NEAR);
}

/* Read-only text among the operands is left alone: the run could not have written it. */
static void restore_operands(void)
{
	struct window *window = &windows[next];
	for (int i = 0; i < window->operands; i++) {
		uint64_t at = window->operand[i];
		int text = at + NEAR > header->text && at < header->text + header->text_size;
		if (in_image(at) && !text)
			memcpy((void *)at, kept[i], NEAR);
	}
}

static void keep_operands(void)
{
	struct window *window = &windows[next];
	for (int i = 0; i < window->operands; i++)
		if (in_image(window->operand[i]))
			memcpy(kept[i], (void *)window->operand[i], NEAR);
}

/* Where the instruction was that a moved run ended in. */
static uint64_t original(uint64_t ip)
{
	struct window *window = &windows[next];
	uint64_t offset = ip - header->pool;
	if (offset >= window->moved_length)
		return ip;
	uint64_t from = 0;
	for (int i = 0; i < window->moves; i++)
		if (window->places[i].to <= offset)
			from = window->places[i].from;
	return window->start + from;
}

/* A call of an address that no code can have faults before it pushes; moved, it has pushed. The process ends either way. */
static int calls_nowhere(void)
{
	struct window *window = &windows[next];
	return window->calls && native.signal == SIGSEGV && moved.signal == SIGSEGV &&
	       native.ip == window->start + (window->moves ? window->places[window->moves - 1].from : 0) &&
	       moved.registers[15] == native.registers[15] - 8;
}

static void compare(void)
{
	struct window *window = &windows[next];
	if (calls_nowhere())
		return;
	for (int i = 0; i < 16; i++)
		if (native.registers[i] != moved.registers[i]) {
			static const char *names[] = { "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
				"rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp" };
			differs(names[i], native.registers[i], moved.registers[i]);
			return;
		}
	if (native.signal != moved.signal)
		differs("signal", native.signal, moved.signal);
	else if (native.ip != original(moved.ip))
		differs("ip", native.ip, original(moved.ip));
	else if (native.flags != moved.flags)
		differs("flags", native.flags, moved.flags);
	else if (native.fault != moved.fault)
		differs("fault", native.fault, moved.fault);
	else if (memcmp(native.vectors, moved.vectors, XSTATE))
		differs("vectors", 0, 0);
	else if (memcmp(native.scratch, moved.scratch, AREA))
		differs("memory", 0, 0);
	else if (memcmp(native.operands, moved.operands, (size_t)window->operands * NEAR))
		differs("operands", 0, 0);
	else {
		/* What is below the stack pointer belongs to whom was called. */
		uint64_t from = window->calls ? (uint64_t)moved.registers[15] - (uint64_t)STACK : 0;
		if (from < AREA && memcmp(native.stack + from, moved.stack + from, AREA - from))
			differs("stack", 0, 0);
	}
}

static void finish(void)
{
	char line[64] = "ran ";
	number(line + 4, next);
	strcpy(line + 20, " trapped ");
	number(line + 29, trapped);
	strcat(line, "\n");
	say(line);
	syscall(SYS_exit_group, differences != 0);
}

static void step(int signal, siginfo_t *info, void *opaque)
{
	ucontext_t *context = opaque;
	if (signal == SIGALRM) {
		differs("stuck", phase, (uint64_t)context->uc_mcontext.gregs[REG_RIP]);
		finish();
	}
	if (phase == NATIVE) {
		struct window *window = &windows[next];
		note(&native, signal, info, context);
		restore_operands();
		memset(TEXT_ALIAS + (window->start - header->text), 0xcc, window->length);
		memcpy(POOL_ALIAS, window->moved, window->moved_length);
		prepare(context, header->pool);
		phase = MOVED;
		return;
	} else if (phase == MOVED) {
		note(&moved, signal, info, context);
		restore_operands();
		memset(POOL_ALIAS, 0xcc, windows[next].moved_length);
		trapped += signal == SIGTRAP;
		compare();
		next++;
	}
	if (next == header->count)
		finish();
	struct window *window = &windows[next];
	keep_operands();
	memcpy(TEXT_ALIAS + (window->start - header->text), window->bytes, window->length);
	prepare(context, window->start);
	phase = NATIVE;
}

static void *map(void *at, size_t size, int protection, int flags, int fd)
{
	void *got = mmap(at, size, protection, flags | MAP_FIXED, fd, 0);
	if (got == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return got;
}

static void code(uint64_t at, uint8_t *alias, size_t size)
{
	int fd = memfd_create("code", 0);
	if (fd < 0 || ftruncate(fd, (off_t)size)) {
		perror("memfd");
		exit(2);
	}
	map(alias, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	memset(alias, 0xcc, size);
	map((void *)at, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd);
}

static void fill(uint8_t *to, size_t size, uint64_t seed)
{
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t value = mix(&seed);
		memcpy(to + i, &value, 8);
	}
}

static void vector_parts(void)
{
	unsigned a, b, c, d;
	for (unsigned part = 2; part < 8; part++)
		if (part != 3 && part != 4 && __get_cpuid_count(0xd, part, &a, &b, &c, &d) && b + a <= XSTATE) {
			part_size[part] = a;
			part_offset[part] = b;
			present_parts |= 1u << part;
		}
}

int main(int argc, char **argv)
{
	struct stat stat;
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0 || fstat(fd, &stat))
		return 2;
	header = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	windows = (struct window *)(header + 1);
	map(SCRATCH, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map(STACK, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map((void *)header->image, header->image_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	fill((uint8_t *)header->image, header->image_size, 1);
	code(header->text, TEXT_ALIAS, header->text_size);
	code(header->pool, POOL_ALIAS, POOL_SIZE);
	fill(pristine[0], AREA, 2);
	fill(pristine[1], AREA, 3);
	fill(random_state, XSTATE, 4);
	vector_parts();
	static uint8_t handler_stack[65536];
	stack_t stack = { .ss_sp = handler_stack, .ss_size = sizeof handler_stack };
	sigaltstack(&stack, NULL);
	struct sigaction action = { .sa_sigaction = step, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	sigfillset(&action.sa_mask);
	int signals[] = { SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM };
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &action, NULL);
	sigdelset(&action.sa_mask, SIGALRM);
	alarm(300);
	syscall(SYS_arch_prctl, ARCH_SET_FS, SCRATCH + AREA * 3 / 4);
	__asm__ volatile("int3");
	return 2;
}
