// The process in which `graft bench uprobe` measures what a probe costs when there are many, and `graft bench attach` how
// long it takes to place them: ten thousand functions to be probed, and as many that are left alone.
//
// First line of output: "pid PID". Commands on standard input, one a line; every answer ends with a line "done":
//   measure ROUNDS CALLS NAME...   CALLS calls in random order, NAME is probed-N or plain-N: the first N of these
//                                  functions -> "NAME NANOSECONDS" per batch and name
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// A few more than ten thousand, for where a jump may lead cannot always be told from how bytes look.
enum { FUNCTIONS = 10016, BYTES = 32 };

// The body of bench-target's rows, again and again.
__asm__(".altmacro\n"
        ".macro functions name\n"
        ".pushsection .text\n"
        ".p2align 6\n"
        "all_\\name:\n"
        ".set number, 0\n"
        ".rept 10016\n"
        "function \\name, %number\n"
        ".set number, number + 1\n"
        ".endr\n"
        ".popsection\n"
        ".endm\n"
        ".macro function name, number\n"
        ".type \\name\\()_\\number, @function\n"
        "\\name\\()_\\number:\n"
        "\tpush %rbp\n\tmov %rsp, %rbp\n"
        "\tmov %rdi, -8(%rbp)\n\tmov %rsi, -16(%rbp)\n"
        "\tmov -8(%rbp), %rax\n\tadd -16(%rbp), %rax\n\tpop %rbp\n\tret\n"
        ".size \\name\\()_\\number, . - \\name\\()_\\number\n"
        ".p2align 5\n"
        ".endm\n"
        "functions probed\n"
        "functions plain\n"
        ".noaltmacro\n");

extern char all_probed[], all_plain[];
typedef long (*function)(long, long);

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static volatile long sink;

// An order without a pattern that the processor could learn, the same for both kinds of functions.
static void shuffle(int *order, int count) {
    uint64_t state = 88172645463325252u;
    for (int i = 0; i < count; i++) order[i] = i;
    for (int i = count - 1; i > 0; i--) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        int other = (int)(state % (uint64_t)(i + 1)), kept = order[i];
        order[i] = order[other], order[other] = kept;
    }
}

static double batch(const char *name, long calls) {
    static int order[FUNCTIONS];
    const char *dash = strchr(name, '-');
    int count = dash ? atoi(dash + 1) : 0;
    if (count <= 0 || count > FUNCTIONS) {
        fprintf(stderr, "bench-many: unknown functions: %s\n", name);
        exit(2);
    }
    char *first = !strncmp(name, "probed", 6) ? all_probed : all_plain;
    shuffle(order, count);
    uint64_t start = now();
    long sum = 0, done = 0;
    while (done < calls)
        for (int i = 0; i < count && done < calls; i++, done++)
            sum += ((function)(void *)(first + BYTES * order[i]))(i, sum);
    uint64_t end = now();
    sink = sum;
    return (double)(end - start) / (double)calls;
}

static void measure(char *arguments) {
    char *rest = arguments;
    long rounds = strtol(rest, &rest, 10), calls = strtol(rest, &rest, 10);
    char *chosen[16];
    int count = 0;
    for (char *name = strtok(rest, " \n"); name && count < 16; name = strtok(NULL, " \n")) chosen[count++] = name;
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++) {
            batch(chosen[i], calls / 4);
            printf("%s %.3f\n", chosen[i], batch(chosen[i], calls));
        }
}

int main(void) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    printf("pid %d\n", getpid());
    fflush(stdout);
    char line[1024];
    while (fgets(line, sizeof line, stdin)) {
        if (strncmp(line, "measure ", 8)) {
            fprintf(stderr, "bench-many: unknown command: %s", line);
            return 2;
        }
        measure(line + 8);
        puts("done");
        fflush(stdout);
    }
    return 0;
}
