/* The contexts of tracepoints/syscalls, and what the tools that list files have in common. */
#ifndef GRAFT_SNOOP_H
#define GRAFT_SNOOP_H

#include <linux/types.h>

#define PATH_BYTES 128

struct syscall_enter {
	__u64 common;
	__s64 number;
	__u64 arguments[6];
};

struct syscall_exit {
	__u64 common;
	__s64 number;
	__s64 result;
};

/* A file by the path that it was asked for, cut. */
struct file {
	char path[PATH_BYTES];
};

struct outcome {
	__u64 calls;
	__u64 errors;
	__s64 last_result;
};

/*
 * Maps that many processors count in at once are divided: beside a map NAME is a per-CPU map __NAME, and what finds no
 * room there is in NAME itself. The numbers of an element are added. A part with one number more than a value of NAME ends
 * with the time at which it was last counted in, and the last number of the latest is the element's. Readers:
 * graft.cli.map.DividedMap.
 */
struct outcome_part {
	struct outcome outcome;
	__u64 last_ns;
};

#endif
