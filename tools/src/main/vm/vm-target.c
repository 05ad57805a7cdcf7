// The process that `graft bench vm` measures: every workload as gcc -O2 compiles it, and room for code that graft
// compiles for it.
//
// Runs as an ordinary program. Batches of all rows are interleaved, so that a change of the machine's speed meets every
// row alike. Numbers are hexadecimal but for counts.
//
// First line of output: "code ADDRESS data ADDRESS". Commands on standard input, one a line; every answer ends with a
// line "done":
//   native NAME                 -> "FUNCTION STATE": addresses of the native function and of its state
//   write ADDRESS BYTES         puts bytes into memory
//   read ADDRESS COUNT          -> the bytes
//   run FUNCTION                calls the function once -> what it returns
//   batch NANOSECONDS FUNCTION... calls each function for about that long -> nanoseconds per call, a line each
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define ROOM (1 << 20)

typedef long (*function)(void *);

#define WORKLOAD(name)                                                                                                 \
    extern int native_##name(void *);                                                                                    \
    extern char state_##name[];
#include "workloads.inc"
#undef WORKLOAD

static const struct {
    const char *name;
    int (*code)(void *);
    char *state;
} natives[] = {
#define WORKLOAD(name) {#name, native_##name, state_##name},
#include "workloads.inc"
#undef WORKLOAD
};

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static volatile long sink;

static uint64_t calls(function code, long count) {
    uint64_t start = now();
    long sum = 0;
    for (long i = 0; i < count; i++) sum += code(NULL);
    uint64_t end = now();
    sink = sum;
    return end - start;
}

static double batch(function code, long nanoseconds) {
    long count = 1;
    uint64_t took = calls(code, 1);
    while (took < (uint64_t)nanoseconds / 8) {
        count *= 4;
        took = calls(code, count);
    }
    count = (long)((double)count * nanoseconds / took) + 1;
    return (double)calls(code, count) / count;
}

static void native(const char *name) {
    for (size_t i = 0; i < sizeof natives / sizeof natives[0]; i++)
        if (!strcmp(natives[i].name, name)) printf("%lx %lx\n", (long)natives[i].code, (long)natives[i].state);
}

static void write_bytes(char *arguments) {
    char *rest;
    unsigned char *to = (unsigned char *)strtoul(arguments, &rest, 16);
    while (*rest == ' ') rest++;
    for (unsigned int byte; sscanf(rest, "%2x", &byte) == 1; rest += 2) *to++ = (unsigned char)byte;
}

static void read_bytes(char *arguments) {
    char *rest;
    const unsigned char *from = (const unsigned char *)strtoul(arguments, &rest, 16);
    long count = strtol(rest, NULL, 10);
    for (long i = 0; i < count; i++) printf("%02x", from[i]);
    puts("");
}

static void batches(char *arguments) {
    char *rest;
    long nanoseconds = strtol(arguments, &rest, 10);
    for (char *one = strtok(rest, " \n"); one; one = strtok(NULL, " \n"))
        printf("%.3f\n", batch((function)strtoul(one, NULL, 16), nanoseconds));
}

static void command(char *line) {
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "native ", 7)) {
        native(line + 7);
    } else if (!strncmp(line, "write ", 6)) {
        write_bytes(line + 6);
    } else if (!strncmp(line, "read ", 5)) {
        read_bytes(line + 5);
    } else if (!strncmp(line, "run ", 4)) {
        printf("%lx\n", ((function)strtoul(line + 4, NULL, 16))(NULL));
    } else if (!strncmp(line, "batch ", 6)) {
        batches(line + 6);
    } else {
        fprintf(stderr, "vm-target: unknown command: %s\n", line);
        exit(2);
    }
}

int main(void) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    char *room = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED || mprotect(room, ROOM, PROT_READ | PROT_WRITE | PROT_EXEC)) {
        perror("vm-target: mmap");
        return 1;
    }
    printf("code %lx data %lx\n", (long)room, (long)(room + ROOM));
    fflush(stdout);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        command(line);
        puts("done");
        fflush(stdout);
    }
    return 0;
}
