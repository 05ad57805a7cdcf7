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

#endif
