/*
 * Runs compiled eBPF programs that nobody has verified, one at a time, in a process of its own: a program that faults
 * or does not end costs an answer, not the caller. Started by the graft command; speaks on stdin and stdout.
 *
 *   at start   -> struct places: where code and memory will be
 *   each run   <- struct request, code, memory      -> struct answer, memory
 *
 * Code is never writable and executable at once. A wild store may still destroy this process; the caller then sees
 * the end of the stream and starts another.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#define CODE_ADDRESS 0x100000000000ul
#define MEMORY_ADDRESS 0x110000000000ul
#define CODE_SIZE (16ul << 20)
#define MEMORY_SIZE (1ul << 20)

struct places {
  uint64_t code, code_size, memory, memory_size;
};

struct request {
  uint32_t code_size, memory_size, limit_ms, unused;
  uint64_t r1, r2;
};

enum kind { RETURNED = 0, FAULTED = 1, TIMED_OUT = 2, BROKE_CONVENTION = 3 };

struct answer {
  uint32_t kind, signal;
  uint64_t value;
};

/* Calls code(r1, r2) and sets *broken when a register that a function must keep has changed. */
uint64_t run_code(void *code, uint64_t r1, uint64_t r2, uint64_t *broken);
__asm__(".text\n"
        "run_code:\n"
        "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  push %rcx\n"
        "  mov %rdi, %r11\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n"
        "  xor %eax, %eax\n  xor %edx, %edx\n  xor %ecx, %ecx\n  xor %r8d, %r8d\n  xor %r9d, %r9d\n"
        "  mov $0x11110001, %ebx\n  mov $0x11110002, %ebp\n  mov $0x11110003, %r12d\n"
        "  mov $0x11110004, %r13d\n  mov $0x11110005, %r14d\n  mov $0x11110006, %r15d\n"
        "  call *%r11\n"
        "  sub $0x11110001, %rbx\n  sub $0x11110002, %rbp\n  sub $0x11110003, %r12\n"
        "  sub $0x11110004, %r13\n  sub $0x11110005, %r14\n  sub $0x11110006, %r15\n"
        "  or %rbp, %rbx\n  or %r12, %rbx\n  or %r13, %rbx\n  or %r14, %rbx\n  or %r15, %rbx\n"
        "  pop %rcx\n  mov %rbx, (%rcx)\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n"
        "  ret\n");

static sigjmp_buf back;
static volatile sig_atomic_t running;

static void caught(int number) {
  if (running)
    siglongjmp(back, number);
  _exit(70);
}

static void catch_signals(void) {
  static char stack[64 << 10];
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_handler = caught, .sa_flags = SA_ONSTACK | SA_NODEFER};
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGPROF};
  sigaltstack(&alternative, 0);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    sigaction(numbers[i], &action, 0);
}

static void read_all(void *to, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t n = read(0, (char *)to + done, size - done);
    if (n <= 0)
      exit(0);
    done += n;
  }
}

static void write_all(const void *from, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t n = write(1, (const char *)from + done, size - done);
    if (n <= 0)
      exit(0);
    done += n;
  }
}

static void limit(uint32_t ms) {
  struct itimerval timer = {.it_value = {ms / 1000, ms % 1000 * 1000}};
  setitimer(ITIMER_PROF, &timer, 0);
}

static struct answer run(const struct request *request) {
  int number = sigsetjmp(back, 1);
  if (number) {
    running = 0;
    limit(0);
    /* A program may have left the direction flag set. */
    __asm__ volatile("cld");
    return (struct answer){number == SIGPROF ? TIMED_OUT : FAULTED, number, 0};
  }
  uint64_t broken = 0;
  limit(request->limit_ms);
  running = 1;
  uint64_t value = run_code((void *)CODE_ADDRESS, request->r1, request->r2, &broken);
  running = 0;
  limit(0);
  return (struct answer){broken ? BROKE_CONVENTION : RETURNED, 0, value};
}

static void *map(uint64_t address, size_t size) {
  void *mapped = mmap((void *)address, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                      -1, 0);
  if (mapped == MAP_FAILED)
    exit(71);
  return mapped;
}

int main(void) {
  struct rlimit no_core = {0, 0};
  struct places places = {CODE_ADDRESS, CODE_SIZE, MEMORY_ADDRESS, MEMORY_SIZE};
  struct request request;
  setrlimit(RLIMIT_CORE, &no_core);
  char *code = map(CODE_ADDRESS, CODE_SIZE);
  char *memory = map(MEMORY_ADDRESS, MEMORY_SIZE);
  catch_signals();
  write_all(&places, sizeof places);
  for (;;) {
    read_all(&request, sizeof request);
    if (request.code_size > CODE_SIZE || request.memory_size > MEMORY_SIZE)
      exit(72);
    mprotect(code, CODE_SIZE, PROT_READ | PROT_WRITE);
    read_all(code, request.code_size);
    read_all(memory, request.memory_size);
    mprotect(code, CODE_SIZE, PROT_READ | PROT_EXEC);
    struct answer answer = run(&request);
    write_all(&answer, sizeof answer);
    write_all(memory, request.memory_size);
  }
}
