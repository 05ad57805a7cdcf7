// The process that `graft bench uprobe` and `graft bench maps` measure: one function per row, all with the same body, called in batches.
//
// Runs as an ordinary program. The rows are functions and not arguments of one function because a probe belongs to a
// function. Batches of all rows are interleaved, so that a change of the machine's speed meets every row alike.
//
// An argument is the number of the processor to stay on.
//
// First line of output: "pid PID". Commands on standard input, one a line; every answer ends with a line "done":
//   measure ROUNDS CALLS NAME...   CALLS calls of each named row per round -> "NAME NANOSECONDS" per batch and row
//   deep CALLS NAME...             a batch of each, called by ten functions one in the other, all with frame pointers -> as measure
//   window START NANOSECONDS CALLS NAME
//                                  calls of the row from START (CLOCK_MONOTONIC; 0: at once) on, for so long, CALLS at most, after as many to
//                                  warm up -> "window CALLS PROCESSOR-NANOSECONDS NANOSECONDS ALL-CALLS"
//   count NAME                     calls made of the row so far -> "NAME COUNT"
//   notify NUMBER                  from now on a thread answers every call of this number, as a supervisor of seccomp does
//   pace RATE SECONDS NAME         so many calls a second of the row, for so long -> "pace CALLS NANOSECONDS"
//   gap                            spins until a line comes -> "gap NANOSECONDS", the longest time it did not run
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1UL
#endif

typedef long (*row_function)(long, long);

// The body of every row: a framed function that stores and reloads, as compilers emit it everywhere.
#define ROW(name)                                                                                                      \
    __attribute__((noinline, noclone, optimize("no-omit-frame-pointer"))) long name(long a, long b) {                  \
        volatile long x = a, y = b;                                                                                    \
        return x + y;                                                                                                  \
    }

#define ROWS(X)                                                                                                        \
    X(row_plain)                                                                                                       \
    X(row_graft_entry_empty)                                                                                           \
    X(row_graft_entry_count)                                                                                           \
    X(row_graft_entry_arguments)                                                                                       \
    X(row_graft_return_only)                                                                                           \
    X(row_graft_entry_return)                                                                                          \
    X(row_graft_offset)                                                                                                \
    X(row_kernel_entry_empty)                                                                                          \
    X(row_kernel_entry_count)                                                                                          \
    X(row_kernel_entry_arguments)                                                                                      \
    X(row_kernel_return_only)                                                                                          \
    X(row_kernel_entry_return)                                                                                         \
    X(row_kernel_offset)                                                                                               \
    X(row_graft_stack)                                                                                                 \
    X(row_graft_stack_unwound)                                                                                         \
    X(row_kernel_stack)                                                                                                \
    X(row_map_array_lookup)                                                                                            \
    X(row_map_percpu_array_lookup)                                                                                     \
    X(row_map_hash_lookup_hit)                                                                                         \
    X(row_map_hash_lookup_miss)                                                                                        \
    X(row_map_hash_update)                                                                                             \
    X(row_map_hash_replace)                                                                                            \
    X(row_map_hash_insert_delete)                                                                                      \
    X(row_map_request_insert_delete)                                                                                   \
    X(row_map_percpu_hash_lookup)                                                                                      \
    X(row_map_percpu_hash_update)                                                                                      \
    X(row_map_lru_lookup_hit)                                                                                          \
    X(row_map_lru_update)                                                                                              \
    X(row_map_lru_evict)                                                                                               \
    X(row_map_queue_push_pop)                                                                                          \
    X(row_map_bloom_push_peek)                                                                                         \
    X(row_map_hash_count)                                                                                              \
    X(row_event)                                                                                                       \
    X(row_map_ring_64)                                                                                                 \
    X(row_map_probe_read_8)                                                                                            \
    X(row_map_probe_read_apart)                                                                                        \
    X(row_map_probe_read_stack)                                                                                        \
    X(row_map_ktime)                                                                                                   \
    X(row_map_pid_tgid)                                                                                                \
    X(row_map_processor)

ROWS(ROW)

// One system call each, made as the C library makes it: the number is loaded right before, the result compared right behind.
// Calls that do nothing but read one number of the process, and take equally long.
#define CALL(name, load, number)                                                                                       \
    __attribute__((noinline, noclone)) long name(long a, long b) {                                                     \
        long result;                                                                                                   \
        (void)a, (void)b;                                                                                              \
        __asm__ volatile("mov %1, %%eax\n\tsyscall\n\tcmp $-4096, %%rax"                                                 \
                         : "=&a"(result)                                                                               \
                         : load(number)                                                                                \
                         : "rcx", "r11", "memory", "cc");                                                              \
        return result;                                                                                                 \
    }

// The place can call everything: what has no program, one before it, one before and one behind it.
static int any_number = 102; // getuid
static int any_entered = 104;
static int any_left = 107;

#define CALLS(X)                                                                                                       \
    X(row_call_raw, "i", 108)                                                                                          \
    X(row_call_any, "m", any_number)                                                                                   \
    X(row_call_any_enter, "m", any_entered)                                                                            \
    X(row_call_any_both, "m", any_left)                                                                                \
    X(row_call_enter, "i", 104)                                                                                        \
    X(row_call_both, "i", 107)                                                                                         \
    X(row_call_blocked, "i", 111)

CALLS(CALL)

// The floor: the same body behind a hand-written detour that saves eight registers and calls an empty handler, as a
// probe would have to at the least.
long row_floor(long a, long b);
__asm__(".pushsection .text\n"
        ".p2align 4\n"
        "floor_handler:\n\txor %eax, %eax\n\tret\n"
        ".globl row_floor\n"
        ".type row_floor, @function\n"
        "row_floor:\n\tjmp floor_detour\n"
        "floor_back:\n"
        "\tmov %rdi, -8(%rbp)\n\tmov %rsi, -16(%rbp)\n"
        "\tmov -8(%rbp), %rax\n\tadd -16(%rbp), %rax\n\tpop %rbp\n\tret\n"
        ".p2align 4\n"
        "floor_detour:\n"
        "\tlea -72(%rsp), %rsp\n"
        "\tmov %rdi, 64(%rsp)\n\tmov %rsi, 56(%rsp)\n\tmov %rdx, 48(%rsp)\n\tmov %rcx, 40(%rsp)\n"
        "\tmov %rax, 32(%rsp)\n\tmov %r8, 24(%rsp)\n\tmov %r9, 16(%rsp)\n\tmov %r10, 8(%rsp)\n"
        "\tcall floor_handler\n"
        "\tmov 64(%rsp), %rdi\n\tmov 56(%rsp), %rsi\n\tmov 48(%rsp), %rdx\n\tmov 40(%rsp), %rcx\n"
        "\tmov 32(%rsp), %rax\n\tmov 24(%rsp), %r8\n\tmov 16(%rsp), %r9\n\tmov 8(%rsp), %r10\n"
        "\tlea 72(%rsp), %rsp\n"
        "\tpush %rbp\n\tmov %rsp, %rbp\n\tjmp floor_back\n"
        ".popsection\n");

static struct row {
    const char *name;
    row_function function;
    uint64_t calls;
} rows[] = {
#define ENTRY(name) {#name, name, 0},
#define CALL_ENTRY(name, load, number) {#name, name, 0},
    ROWS(ENTRY) CALLS(CALL_ENTRY){"row_floor", row_floor, 0},
};

static struct row *find(const char *name) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!strcmp(rows[i].name, name)) return &rows[i];
    fprintf(stderr, "bench-target: no row %s\n", name);
    exit(2);
}

static uint64_t read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t now(void) { return read_clock(CLOCK_MONOTONIC); }

static volatile long sink;

static double batch(struct row *row, long calls) {
    row_function function = row->function;
    uint64_t start = now();
    long sum = 0;
    for (long i = 0; i < calls; i++) sum += function(i, sum);
    uint64_t end = now();
    sink = sum;
    row->calls += (uint64_t)calls;
    return (double)(end - start) / (double)calls;
}

__attribute__((noinline, noclone, optimize("no-omit-frame-pointer"))) static void deep(int depth, struct row *row, long calls) {
    if (depth) {
        deep(depth - 1, row, calls);
        __asm__ volatile("" ::: "memory"); // no jump instead of the call
        return;
    }
    row_function function = row->function;
    uint64_t start = now();
    long sum = 0;
    for (long i = 0; i < calls; i++) sum += function(i, sum);
    uint64_t end = now();
    sink = sum;
    row->calls += (uint64_t)calls;
    printf("%s %.3f\n", row->name, (double)(end - start) / (double)calls);
}

static void deeply(char *arguments) {
    char *rest = arguments;
    long calls = strtol(rest, &rest, 10);
    for (char *name = strtok(rest, " \n"); name; name = strtok(NULL, " \n")) deep(9, find(name), calls);
}

static void measure(char *arguments) {
    char *rest = arguments;
    long rounds = strtol(rest, &rest, 10), calls = strtol(rest, &rest, 10);
    struct row *chosen[32];
    int count = 0;
    for (char *name = strtok(rest, " \n"); name && count < 32; name = strtok(NULL, " \n")) chosen[count++] = find(name);
    for (int i = 0; i < count; i++) batch(chosen[i], calls);
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++) printf("%s %.3f\n", chosen[i]->name, batch(chosen[i], calls));
}

// A millisecond's calls at a time. What could not be called in its time is called later, so that the number is exact.
static void pace(char *arguments) {
    char *rest = arguments;
    long rate = strtol(rest, &rest, 10), seconds = strtol(rest, &rest, 10);
    struct row *row = find(strtok(rest, " \n"));
    uint64_t start = now(), due = start;
    long made = 0;
    for (long millis = 1; millis <= 1000 * seconds; millis++) {
        long calls = rate * millis / 1000 - made;
        batch(row, calls);
        made += calls;
        due += 1000000;
        struct timespec until = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    printf("pace %ld %llu\n", made, (unsigned long long)(now() - start));
}

enum { CALLS_BETWEEN_LOOKS = 8 }; // at the clock, which is as dear as fifty of the cheapest operations

static long call_until(struct row *row, uint64_t end, long most) {
    row_function function = row->function;
    long made = 0, sum = 0;
    do
        for (int i = 0; i < CALLS_BETWEEN_LOOKS && made < most; i++, made++) sum += function(made, sum);
    while (made < most && now() < end);
    sink = sum;
    row->calls += (uint64_t)made;
    return made;
}

static void window(char *arguments) {
    char *rest = arguments;
    uint64_t start = strtoull(rest, &rest, 10);
    uint64_t length = strtoull(rest, &rest, 10);
    long most = strtol(rest, &rest, 10);
    struct row *row = find(strtok(rest, " \n"));
    long before = call_until(row, start, most);
    while (now() < start) {}
    if (!start) start = now();
    uint64_t processor = read_clock(CLOCK_THREAD_CPUTIME_ID);
    long made = call_until(row, start + length, most);
    processor = read_clock(CLOCK_THREAD_CPUTIME_ID) - processor;
    printf("window %ld %llu %llu %ld\n", made, (unsigned long long)processor, (unsigned long long)(now() - start), before + made);
}

// How long this process was held, seen from inside: the longest time between two readings of the clock. The look at the
// input is far apart, because it is a system call of a few hundred nanoseconds itself.
static void gap(void) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    uint64_t longest = 0, last = now(), look = last;
    for (;;) {
        uint64_t t = now();
        if (t - last > longest) longest = t - last;
        last = t;
        if (t - look > 200000) {
            if (poll(&input, 1, 0) > 0) break;
            look = t;
        }
    }
    char line[16];
    if (!fgets(line, sizeof line, stdin)) exit(0);
    printf("gap %llu\n", (unsigned long long)longest);
}

static int listener = -1;
static pthread_barrier_t listening;

static void fail(const char *what) {
    perror(what);
    exit(2);
}

// Lets every call be made that it is asked about. It waits on the same processor, which is the fastest way.
static void *supervise(void *unused) {
    pthread_barrier_wait(&listening);
    while (!unused) {
        struct seccomp_notif call;
        memset(&call, 0, sizeof call);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call)) {
            if (errno == EINTR || errno == ENOENT) continue;
            fail("bench-target: SECCOMP_IOCTL_NOTIF_RECV");
        }
        struct seccomp_notif_resp answer = {.id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) && errno != ENOENT)
            fail("bench-target: SECCOMP_IOCTL_NOTIF_SEND");
    }
    return NULL;
}

// The filter is this thread's only: the supervisor, which is there before, makes its calls unasked.
static void notify(unsigned number) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof code[0], code};
    pthread_t thread;
    pthread_barrier_init(&listening, NULL, 2);
    if (pthread_create(&thread, NULL, supervise, NULL)) fail("bench-target: pthread_create");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) fail("bench-target: PR_SET_NO_NEW_PRIVS");
    listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
    if (listener < 0) fail("bench-target: seccomp");
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP); // slower without, before Linux 6.6
    pthread_barrier_wait(&listening);
}

struct kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

// Calls from here are never turned into signals.
extern char __start_undispatched[], __stop_undispatched[];
void restorer(void);
__asm__(".pushsection undispatched, \"ax\"\n"
        "restorer: mov $15, %eax\n"
        "syscall\n"
        ".popsection");

__attribute__((section("undispatched"), noinline)) static void on_dispatch(int signal, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    register long fourth __asm__("r10") = registers[REG_R10];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(registers[REG_RAX]), "D"(registers[REG_RDI]), "S"(registers[REG_RSI]), "d"(registers[REG_RDX]),
                       "r"(fourth)
                     : "rcx", "r11", "memory");
    registers[REG_RAX] = result;
    (void)signal, (void)info;
}

// Syscall User Dispatch: all code is in the allowed range, or none that matters is and a byte lets every call be made, or
// nothing does, and SIGSYS comes for each call, whose handler makes it.
static void dispatch(const char *how) {
    static const char allow = 0;
    struct kernel_action action = {on_dispatch, SA_SIGINFO | 0x04000000 /* SA_RESTORER */, restorer, 0};
    unsigned long start = (unsigned long)__start_undispatched, length = (unsigned long)(__stop_undispatched - __start_undispatched);
    if (syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, 8)) fail("bench-target: rt_sigaction");
    int everything = !strcmp(how, "range");
    const char *selector = strcmp(how, "selector") ? NULL : &allow;
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, everything ? 0 : start, everything ? LONG_MAX : length, selector))
        fail("bench-target: PR_SET_SYSCALL_USER_DISPATCH");
}

int main(int argc, char **argv) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(argc > 1 ? atoi(argv[1]) : sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    printf("pid %d\n", getpid());
    fflush(stdout);
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        if (!strncmp(line, "measure ", 8)) {
            measure(line + 8);
        } else if (!strncmp(line, "deep ", 5)) {
            deeply(line + 5);
        } else if (!strncmp(line, "window ", 7)) {
            window(line + 7);
        } else if (!strncmp(line, "notify ", 7)) {
            notify((unsigned)strtoul(line + 7, NULL, 10));
        } else if (!strncmp(line, "dispatch ", 9)) {
            dispatch(strtok(line + 9, " \n"));
        } else if (!strncmp(line, "pace ", 5)) {
            pace(line + 5);
        } else if (!strncmp(line, "gap", 3)) {
            gap();
        } else if (!strncmp(line, "count ", 6)) {
            char *name = strtok(line + 6, " \n");
            printf("%s %llu\n", name, (unsigned long long)find(name)->calls);
        } else {
            fprintf(stderr, "bench-target: unknown command: %s", line);
            return 2;
        }
        puts("done");
        fflush(stdout);
    }
    return 0;
}
