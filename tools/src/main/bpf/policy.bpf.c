/*
 * Rules for system calls. They are tables: the rows of a call are asked one after the other, and what they ask about is
 * looked up once before. All paths of all rules are one automaton, so a path costs one step a byte, however many there are.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "rules.h"

#define PIECE 64
#define PIECES 66
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define ARGUMENT_BYTES 48 /* of the first sources */
#define FORK_RESULT 0 /* what a child gets from the call that made it */
#define CLONE 56
#define FORK 57
#define VFORK 58
#define CLONE3 435

/* The agent's (graft.ebpf.helper.Helper). */
static long (*bpf_delay)(__u64 nanos) = (void *)0x10001;
static long (*bpf_make_call)(__u64 number, const void *arguments, __u64 size, __u64 replaced, const void *by) = (void *)0x10002;

struct entered_call {
	__u64 common;
	__s64 number;
	__u64 arguments[6];
};

struct left_call {
	__u64 common;
	__s64 number;
	__s64 result;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} rule_mode SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULE_NUMBERS);
	__type(key, __u32);
	__type(value, struct hooked);
} rule_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULE_ROWS);
	__type(key, __u32);
	__type(value, struct row);
} rule_rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct automaton);
} rule_paths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULE_COUNTERS);
	__type(key, __u32);
	__type(value, struct counter);
} rule_counters SEC(".maps");

struct matches_key {
	__u32 tid;
	__u32 rule;
};

/* Matches so far, of rules that do not take all of them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct matches_key);
	__type(value, __u64);
} rule_matches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULE_COUNTERS);
	__type(key, __u32);
	__type(value, struct disturbance);
} rule_disturbances SEC(".maps");

struct target {
	char path[TARGET_BYTES];
};

/* Where redirected paths lead, by rule. Processes cannot write it: their calls are made with its addresses. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULE_COUNTERS);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__type(key, __u32);
	__type(value, struct target);
} rule_targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULE_COUNTERS * RULE_POKES);
	__type(key, __u32);
	__type(value, struct poke);
} rule_pokes SEC(".maps");

struct under_way {
	__u32 number;
	__u32 rule;
	__u64 arguments[8]; /* six */
};

/* Calls behind which something has to be done, by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct under_way);
} rule_calls_under_way SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIGNAL_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} rule_signals SEC(".maps");

/* The processes that may be sent signals. In the kernel only: what they can write themselves says nothing about others. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} rule_receivers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} rule_events SEC(".maps");

/* A call that is being judged. */
struct judged {
	__u64 source[RULE_SOURCES];
	__u64 patterns[2]; /* that match its paths */
	__u64 redirected; /* its arguments that are paths of the rule, as bits */
	__u32 first;
	__u32 mode;
	__u32 number;
	__u32 action;
	__u32 rule;
	__u32 is_disturbed;
	__s64 result;
	struct hooked hooked;
};

struct walk {
	__u64 path;
	__u32 state;
};

static __always_inline long take_piece(__u64 index, struct walk *walk)
{
	char piece[PIECE];
	__u32 zero = 0;
	__u32 state = walk->state;
	struct automaton *automaton = bpf_map_lookup_elem(&rule_paths, &zero);
	if (!automaton)
		return 1;
	long length = bpf_probe_read_user_str(piece, PIECE, (void *)(walk->path + index * (PIECE - 1)));

	walk->state = STATE_NOWHERE;
	if (length <= 0)
		return 1; /* the call will not be able to read it either */
	for (__u32 i = 0; i < PIECE - 1; i++) {
		__u8 c = piece[i];
		if (!c)
			break;
		__u32 at = state * RULE_CLASSES + (automaton->class_of[c] & (RULE_CLASSES - 1));
		state = automaton->next[at & (RULE_STATES * RULE_CLASSES - 1)];
		if (state == STATE_NOWHERE)
			return 1;
	}
	walk->state = state;
	return length < PIECE;
}

static long take_further_piece(__u64 index, struct walk *walk)
{
	return take_piece(index + 1, walk);
}

static __always_inline __u64 matching(__u64 path)
{
	struct walk walk = {.path = path, .state = STATE_START};
	__u32 zero = 0;

	if (!take_piece(0, &walk)) /* most paths are one piece */
		bpf_loop(PIECES, take_further_piece, &walk, 0);
	struct automaton *automaton = bpf_map_lookup_elem(&rule_paths, &zero);
	return automaton ? automaton->accepted[walk.state & (RULE_STATES - 1)] : 0;
}

static __always_inline __u64 numbered(const __u8 *bytes, int count)
{
	__u64 number = 0;

	for (int i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* What the sources say when there is no address is no family. */
static __always_inline void look_at_address(struct judged *call, __u64 address, __u64 length)
{
	__u8 bytes[RULE_ADDRESS] = {};

	call->source[SOURCE_FAMILY] = ~0ull;
	call->source[SOURCE_PORT] = ~0ull;
	call->source[SOURCE_HOST] = 0;
	call->source[SOURCE_HOST_END] = 0;
	if (!address || length < 2)
		return;
	if (length >= 28)
		bpf_probe_read_user(bytes, 28, (void *)address);
	else if (length >= 16)
		bpf_probe_read_user(bytes, 16, (void *)address);
	else
		bpf_probe_read_user(bytes, 2, (void *)address);
	__u32 family = bytes[0] | bytes[1] << 8;
	call->source[SOURCE_FAMILY] = family;
	if (family == AF_INET && length >= 16) {
		call->source[SOURCE_PORT] = numbered(bytes + 2, 2);
		call->source[SOURCE_HOST] = numbered(bytes + 4, 4);
	} else if (family == AF_INET6 && length >= 28) {
		call->source[SOURCE_PORT] = numbered(bytes + 2, 2);
		call->source[SOURCE_HOST] = numbered(bytes + 8, 8);
		call->source[SOURCE_HOST_END] = numbered(bytes + 16, 8);
	}
}

static __always_inline int holds(const struct judged *call, const struct condition *condition)
{
	__u64 value = (call->source[condition->source & (RULE_SOURCES - 1)] & condition->mask) ^ condition->flip;

	switch (condition->comparison) {
	case COMPARE_EQUAL:
		return value == condition->value;
	case COMPARE_DIFFERENT:
		return value != condition->value;
	case COMPARE_LESS:
		return value < condition->value;
	case COMPARE_AT_MOST:
		return value <= condition->value;
	case COMPARE_GREATER:
		return value > condition->value;
	default:
		return value >= condition->value;
	}
}

/* Whether this match of the thread is one that counts. */
static __always_inline int is_due(const struct row *row)
{
	struct matches_key key = {.tid = (__u32)bpf_get_current_pid_tgid(), .rule = row->rule};
	__u64 one = 1;

	if (row->first <= 1 && row->last == ~0u && row->step <= 1)
		return 1;
	__u64 *known = bpf_map_lookup_elem(&rule_matches, &key);
	__u64 number = 1;
	if (known)
		number = __sync_fetch_and_add(known, 1) + 1;
	else
		bpf_map_update_elem(&rule_matches, &key, &one, BPF_ANY);
	if (number < row->first || number > row->last)
		return 0;
	return row->step <= 1 || (number - row->first) % row->step == 0;
}

static __always_inline void report(const struct judged *call, const struct row *row)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct matched_call *event = bpf_ringbuf_reserve(&rule_events, sizeof(*event), 0);

	if (!event)
		return; /* the ring counts it */
	event->time_ns = bpf_ktime_get_ns();
	event->pid = id >> 32;
	event->tid = (__u32)id;
	event->number = call->number;
	event->rule = row->rule;
	event->action = row->action;
	event->mode = call->mode;
	event->result = row->result;
	for (int i = 0; i < 6; i++)
		event->arguments[i] = call->source[i];
	event->path_bytes = 0;
	event->path_argument = 0;
	event->address_bytes = 0;
	event->address_argument = call->hooked.address;
	if (call->hooked.paths) {
		event->path_argument = call->hooked.path[0] & 7;
		long length = bpf_probe_read_user_str(event->path, RULE_PATH, (void *)call->source[event->path_argument & 7]);
		event->path_bytes = length > 0 ? length : 0;
	}
	if (call->hooked.has_address) {
		__u64 length = call->source[call->hooked.address_length & 7];
		if (length >= 28 && !bpf_probe_read_user(event->address, 28, (void *)call->source[call->hooked.address & 7]))
			event->address_bytes = 28;
		else if (length >= 16 && !bpf_probe_read_user(event->address, 16, (void *)call->source[call->hooked.address & 7]))
			event->address_bytes = 16;
	}
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void count_match(const struct judged *call, const struct row *row)
{
	struct counter *counter = bpf_map_lookup_elem(&rule_counters, &row->rule);
	if (!counter)
		return;
	__sync_fetch_and_add(&counter->matched, 1);
	if ((row->action != ACTION_ALLOW && row->action != ACTION_NOTE) || row->is_disturbed)
		__sync_fetch_and_add(call->mode == MODE_ENFORCE ? &counter->denied : &counter->would_deny, 1);
}

static long ask(__u64 index, struct judged *call)
{
	__u32 key = call->first + index;
	struct row *row = bpf_map_lookup_elem(&rule_rows, &key);

	if (!row)
		return 1;
	if (row->patterns && !(row->patterns & (call->patterns[0] | call->patterns[1])))
		return 0;
	for (__u32 i = 0; i < RULE_CONDITIONS; i++) {
		if (i >= row->conditions)
			break;
		if (!holds(call, &row->condition[i]))
			return 0;
	}
	if (!is_due(row))
		return 0;
	count_match(call, row);
	if (row->is_reported)
		report(call, row);
	if (row->action == ACTION_NOTE)
		return 0;
	call->action = row->action;
	call->result = row->result;
	call->rule = row->rule;
	call->is_disturbed = row->is_disturbed;
	if (row->patterns & call->patterns[0])
		call->redirected |= 1ull << (call->hooked.path[0] & 7);
	if (row->patterns & call->patterns[1])
		call->redirected |= 1ull << (call->hooked.path[1] & 7);
	return 1;
}

/* The program in the kernel finds it when the thread makes the next call of this number. */
static __always_inline void send_with(__u32 number, __u64 signal)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	__u32 key = tid & (SIGNAL_SLOTS - 1);
	__u64 *slot = bpf_map_lookup_elem(&rule_signals, &key);

	if (slot)
		*slot = (__u64)tid << 32 | number << 8 | signal;
}

static __always_inline int is_made(const struct judged *call)
{
	return call->action != ACTION_DENY && call->action != ACTION_KILL;
}

static __always_inline void poke(__u32 rule, __u32 count, __u32 edge, const __u64 *arguments)
{
	for (__u32 i = 0; i < RULE_POKES; i++) {
		__u32 key = rule * RULE_POKES + i;
		struct poke *one = bpf_map_lookup_elem(&rule_pokes, &key);

		if (i >= count || !one)
			break;
		if (one->edge == edge)
			bpf_probe_write_user((void *)arguments[one->argument & 7], one->data, (one->last & (POKE_BYTES - 1)) + 1);
	}
}

/* A signal comes with the call, or with one that does nothing when the call is not made. */
static __always_inline void disturb(const struct judged *call, const struct disturbance *how)
{
	int made = is_made(call);

	if (how->delay_enter_ns)
		bpf_delay(how->delay_enter_ns);
	poke(call->rule, how->pokes, POKE_ENTER, call->source);
	if (how->signal)
		send_with(made ? call->number : how->instead, how->signal);
	if (!made && (how->signal || how->replaces)) {
		struct target *unused = bpf_map_lookup_elem(&rule_targets, &call->rule);
		if (unused)
			bpf_make_call(how->instead, call->source, ARGUMENT_BYTES, 0, unused);
	}
}

static __always_inline void remember(const struct judged *call, const struct disturbance *how)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct under_way now = {.number = call->number, .rule = call->rule};

#pragma clang loop unroll(full)
	for (int i = 0; i < 6; i++)
		now.arguments[i] = call->source[i];
	if (how && how->is_concluded)
		bpf_map_update_elem(&rule_calls_under_way, &tid, &now, BPF_ANY);
	else
		bpf_map_delete_elem(&rule_calls_under_way, &tid); /* one that the thread has not come back from */
}

/* Makes the call itself, so that the application's registers and memory stay as they are. */
static __always_inline void redirect(struct judged *call)
{
	struct target *target = bpf_map_lookup_elem(&rule_targets, &call->rule);

	if (target)
		call->result = bpf_make_call(call->number, call->source, ARGUMENT_BYTES, call->redirected, target);
}

static __always_inline int makes_processes(__u32 number)
{
	return number == CLONE || number == FORK || number == VFORK || number == CLONE3;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int judge(struct entered_call *ctx)
{
	struct judged call = {};
	__u32 zero = 0;
	__u32 number = ctx->number;
	__u32 *mode = bpf_map_lookup_elem(&rule_mode, &zero);

	if (!mode || *mode == MODE_OFF)
		return 0;
	struct hooked *hooked = bpf_map_lookup_elem(&rule_calls, &number);
	if (!hooked || !hooked->rows)
		return 0;
	call.mode = *mode;
	call.number = number;
	call.hooked = *hooked;
	call.first = hooked->first;
#pragma clang loop unroll(full)
	for (int i = 0; i < 6; i++)
		call.source[i] = ctx->arguments[i];
	if (hooked->paths > 0)
		call.patterns[0] = matching(call.source[hooked->path[0] & 7]);
	if (hooked->paths > 1)
		call.patterns[1] = matching(call.source[hooked->path[1] & 7]);
	if (hooked->has_address)
		look_at_address(&call, call.source[hooked->address & 7], (__u32)call.source[hooked->address_length & 7]);
	bpf_loop(hooked->rows & (RULE_ROWS - 1), ask, &call, 0);
	if (call.mode != MODE_ENFORCE)
		return 0;
	struct disturbance *how = call.is_disturbed ? bpf_map_lookup_elem(&rule_disturbances, &call.rule) : 0;
	if (hooked->is_concluded)
		remember(&call, how);
	if (how)
		disturb(&call, how);
	if (call.action == ACTION_REDIRECT)
		redirect(&call);
	if (!is_made(&call) || call.action == ACTION_REDIRECT)
		bpf_override_return((struct pt_regs *)ctx, call.result);
	return 0;
}

/* Behind the calls that a rule delays or pokes there. A new process has its parent's memory, not its delays. */
SEC("tracepoint/raw_syscalls/sys_exit")
int conclude(struct left_call *ctx)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct under_way *call = bpf_map_lookup_elem(&rule_calls_under_way, &tid);

	if (!call || call->number != (__u32)ctx->number)
		return 0;
	if (ctx->result == FORK_RESULT && makes_processes(call->number))
		return 0;
	struct under_way ended = *call;
	bpf_map_delete_elem(&rule_calls_under_way, &tid);
	struct disturbance *how = bpf_map_lookup_elem(&rule_disturbances, &ended.rule);
	if (!how)
		return 0;
	poke(ended.rule, how->pokes, POKE_EXIT, ended.arguments);
	if (how->delay_exit_ns)
		bpf_delay(how->delay_exit_ns);
	return 0;
}

/* In the kernel, where a signal can be pending before the call looks whether one is. */
SEC("raw_tp/sys_enter")
int deliver(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 process = bpf_get_current_pid_tgid() >> 32, tid = (__u32)bpf_get_current_pid_tgid();
	__u32 key = tid & (SIGNAL_SLOTS - 1);
	__u64 *slot = bpf_map_lookup_elem(&rule_signals, &key);

	if (!slot || !*slot)
		return 0;
	__u64 signal = *slot;
	if (signal >> 32 != tid || (signal >> 8 & 0xffffff) != (__u32)ctx->args[1])
		return 0;
	if (!bpf_map_lookup_elem(&rule_receivers, &process))
		return 0;
	*slot = 0;
	bpf_send_signal_thread(signal & 0xff);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
