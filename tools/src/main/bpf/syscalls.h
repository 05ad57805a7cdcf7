/*
 * What syscalls.bpf.c shares with its reader, graft.cli.syscalls: the table that says what to copy, the events, the
 * statistics.
 */
#ifndef GRAFT_SYSCALLS_H
#define GRAFT_SYSCALLS_H

#include <linux/types.h>

#define SYSCALL_NUMBERS 512
#define SYSCALL_PARTS 6

/* part.shape: how long the memory of an argument is */
#define PART_FIXED 0 /* size bytes */
#define PART_TEXT 1 /* up to a zero byte */
#define PART_COUNTED 2 /* argument `length` times size */
#define PART_POINTED 3 /* a 32-bit number that argument `length` points to, times size */
#define PART_RESULT 4 /* the result times size */
#define PART_TEXTS 5 /* a list of pointers to texts, which ends with 0 */
#define PART_COUNT_TEXTS 6 /* only how many texts there are */
#define PART_PIECES 7 /* argument `length` pieces of memory, struct iovec */
#define PART_MESSAGE 8 /* a struct msghdr and what belongs to it */

#define PART_IN 0 /* part.edge: the call reads the memory */
#define PART_OUT 1 /* the call writes the memory */

/* Memory of one argument. */
struct part {
	__u8 argument;
	__u8 edge;
	__u8 shape;
	__u8 length; /* an argument */
	__u32 size;
	__u32 limit; /* bytes to copy at most */
};

/* What is done about a system call. */
struct call {
	__u32 traced;
	__u16 read; /* the parts that the call reads, as bits */
	__u16 written;
	struct part part[SYSCALL_PARTS];
};

#define MODE_EVENTS 0
#define MODE_STATISTICS 1

#define FOLLOW_GIVEN 0 /* settings.follow: the processes in the map `followed` */
#define FOLLOW_CHILDREN 1 /* their children, too */
#define FOLLOW_ALL 2 /* every process that the program runs in */

struct settings {
	__u32 mode;
	__u32 follow;
};

/* Values of the map `followed`, by process. */
#define FOLLOWED 1
#define HELD 2 /* stands at its first instruction in a loop of the two calls below; followed from any other call on */

#define EVENT_ENTER 1 /* with what the call will read; only for calls that have such memory or do not return */
#define EVENT_EXIT 2

struct event {
	__u32 type;
	__u32 pid;
	__u32 tid;
	__u32 number;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 entered_ns; /* 0: the call was under way before */
	__s64 result;
	__u64 arguments[6];
	__u32 chunks; /* that follow */
	__u32 bytes; /* that all chunks have */
};

#define CHUNK_UNREADABLE 1

/* chunk.index */
#define CHUNK_COUNT 251 /* no bytes; length is a number of texts */
#define CHUNK_MESSAGE 252 /* a struct msghdr, whose pieces follow as usual */
#define CHUNK_NAME 253 /* a message's address */

/* Bytes that were copied; they follow, padded to 8. */
struct chunk {
	__u8 argument;
	__u8 index; /* 0: the argument's own memory; from 1: what its elements point to */
	__u16 flags;
	__u32 bytes;
	__u64 length; /* what there is; more than bytes when it was cut; of a text that was cut, all ones */
};

#define STATISTIC_SLOTS 256

/* Latencies: slot 4 * n + m holds those from (4 + m) * 2^(n - 2) on; those below 4 ns have slots of their own. */
struct statistics {
	__u64 calls;
	__u64 errors;
	__u64 total_ns;
	__u64 longest_ns;
	__u64 slots[STATISTIC_SLOTS];
};

#define LOST_RING_FULL 0 /* events that found no room */
#define LOST_NO_SLOT 1 /* calls of threads that found no room */

_Static_assert(sizeof(struct call) == 80, "readers depend on it");
_Static_assert(sizeof(struct event) == 96, "readers depend on it");
_Static_assert(sizeof(struct chunk) == 16, "readers depend on it");

#endif
