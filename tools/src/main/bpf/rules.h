/* What policy.bpf.c shares with graft.cli.policy: rules as rows of tables, what they have counted, what they report. */
#ifndef GRAFT_RULES_H
#define GRAFT_RULES_H

#include <linux/types.h>

#define RULE_NUMBERS 512 /* of system calls */
#define RULE_ROWS 4096
#define RULE_COUNTERS 65 /* by rule; the last is the default's */
#define RULE_CONDITIONS 6
#define RULE_SOURCES 16 /* a power of two; see SOURCE_* */
#define RULE_STATES 2048
#define RULE_CLASSES 128
#define RULE_PATH 256 /* bytes of a path that are reported */
#define RULE_ADDRESS 32 /* bytes of a socket's address that are looked at */

/* condition.source: from 0 on the six arguments */
#define SOURCE_FAMILY 6 /* of the socket's address */
#define SOURCE_PORT 7
#define SOURCE_HOST 8 /* an IPv4 address, or the first half of an IPv6 address */
#define SOURCE_HOST_END 9 /* the second half */

#define COMPARE_EQUAL 0
#define COMPARE_DIFFERENT 1
#define COMPARE_LESS 2
#define COMPARE_AT_MOST 3
#define COMPARE_GREATER 4
#define COMPARE_AT_LEAST 5

/* ((source & mask) ^ flip), compared with value; flip makes signed numbers comparable as unsigned ones. */
struct condition {
	__u32 source;
	__u32 comparison;
	__u64 mask;
	__u64 flip;
	__u64 value;
};

#define ACTION_ALLOW 0
#define ACTION_DENY 1 /* the call is left out; row.result is its result */
#define ACTION_NOTE 2 /* the next row is asked, too */
#define ACTION_KILL 3
#define ACTION_REDIRECT 4 /* the call is made with another path */

/* One alternative of one rule, for one system call. */
struct row {
	__u32 rule;
	__u32 action;
	__s64 result;
	__u32 conditions;
	__u32 is_reported;
	__u64 patterns; /* one of them has to match a path of the call; 0: any path */
	__u32 is_disturbed; /* rule_disturbances says what happens beside the action */
	__u32 first; /* the matches of a thread that count: from this one, to that, each so-many-th */
	__u32 last;
	__u32 step;
	struct condition condition[RULE_CONDITIONS];
};

/* What is done about a system call. */
struct hooked {
	__u32 first; /* row */
	__u32 rows;
	__u8 paths; /* how many of its paths are asked about */
	__u8 path[2]; /* arguments */
	__u8 has_address;
	__u8 address; /* argument */
	__u8 address_length; /* argument */
	__u16 is_concluded; /* something may have to be done behind it */
};

/* What a rule does to a call beside its action, by rule. */
struct disturbance {
	__u64 delay_enter_ns;
	__u64 delay_exit_ns;
	__u32 signal; /* that is pending when the call begins */
	__u32 replaces; /* the next one is made when the call is not */
	__u64 instead; /* a call without effect */
	__u32 pokes; /* how many there are in rule_pokes */
	__u32 is_concluded; /* something has to be done behind the call */
};

#define RULE_POKES 4 /* of one rule */
#define POKE_BYTES 256
#define POKE_ENTER 0
#define POKE_EXIT 1

/* Memory that an argument points to, and what is written there. */
struct poke {
	__u32 argument;
	__u32 edge;
	__u32 last; /* byte of the data */
	__u32 reserved;
	__u8 data[POKE_BYTES];
};

#define TARGET_BYTES 4096 /* PATH_MAX */

/* Signals on their way into the kernel, by the lowest bits of the thread's id: id << 32 | number of the call << 8 | signal. */
#define SIGNAL_SLOTS 16384

#define STATE_NOWHERE 0 /* no pattern can match any more */
#define STATE_START 1

/* All patterns as one automaton. */
struct automaton {
	__u8 class_of[256];
	__u16 next[RULE_STATES * RULE_CLASSES];
	__u64 accepted[RULE_STATES]; /* patterns that match a path that ends here, as bits */
};

#define MODE_OFF 0
#define MODE_MONITOR 1
#define MODE_ENFORCE 2

struct counter {
	__u64 matched;
	__u64 would_deny;
	__u64 denied;
};

struct matched_call {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 pid;
	__u32 tid;
	__u32 number;
	__u32 rule;
	__u32 action;
	__u32 mode;
	__s64 result;
	__u64 arguments[6];
	__u32 path_bytes; /* with the zero byte; 0: none */
	__u32 path_argument;
	__u32 address_bytes;
	__u32 address_argument;
	__u8 address[RULE_ADDRESS];
	char path[RULE_PATH];
};

_Static_assert(sizeof(struct row) == 240, "readers depend on it");
_Static_assert(sizeof(struct hooked) == 16, "readers depend on it");
_Static_assert(sizeof(struct poke) == 272, "readers depend on it");
_Static_assert(sizeof(struct disturbance) == 40, "readers depend on it");
_Static_assert(sizeof(struct matched_call) == 392, "readers depend on it");

#endif
