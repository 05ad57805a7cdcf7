/*
 * System calls of processes, with the memory that belongs to their arguments. What a call reads is copied when it
 * begins, what it writes when it ends; a table says what there is. A call without memory to read makes one event, at its
 * end.
 *
 * Records have constant sizes, which the verifier wants: a small one is tried first and thrown away when something does
 * not fit.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "syscalls.h"

#define EXECVE 59
#define EXIT 60
#define EXIT_GROUP 231
#define NANOSLEEP 35
#define GETPPID 110
#define MOST_TEXTS 24
#define MOST_PIECES 8
#define MOST_COUNTED 4096
#define NO_CALL 0xffffffff

struct raw_enter {
	__u64 common;
	__s64 number;
	__u64 arguments[6];
};

struct raw_exit {
	__u64 common;
	__s64 number;
	__s64 result;
};

struct forked {
	__u64 common;
	__u32 parent_name, parent;
	__u32 child_name, child;
};

/* Memory that an argument's memory points to. */
struct list {
	__u64 list;
	__u64 count;
	__u32 argument;
	__u32 limit;
	__u32 part;
	__u32 reserved;
};

/*
 * A record that is being filled. It is in a map because the verifier keeps no account of what is there; on the stack, every
 * value of every field would be another state to look at.
 */
struct job {
	__s64 result;
	__u64 time_ns;
	__u32 type;
	__u32 wanted; /* parts, as bits */
	__u32 at; /* where the next chunk goes */
	__u32 chunks;
	__u32 part; /* as a bit */
	__u32 unreadable; /* parts, as bits */
	__u32 full; /* something did not fit */
	__u32 limit; /* bytes of a chunk */
	__u32 is_text;
	__u32 reserved;
	struct chunk head; /* of the next chunk */
	struct list texts;
	struct list counted; /* texts of which only the number is wanted */
	struct list pieces;
	struct list name; /* of a message */
	__u64 left; /* bytes that are in the pieces */
};

/* A call under way. */
struct thread {
	__u64 entered_ns;
	__u32 number;
	__u32 again; /* parts that could not be read when the call began; the kernel has loaded their pages since */
	__u64 arguments[6];
	struct job job;
};

/* What the functions of loops get. */
struct context {
	__u8 *data;
	const struct call *spec;
	struct thread *thread;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 32 * 1024 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYSCALL_NUMBERS);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u32);
} followed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYSCALL_NUMBERS);
	__type(key, __u32);
	__type(value, struct statistics);
} statistics SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

struct iovec {
	__u64 base;
	__u64 length;
};

struct message {
	__u64 name;
	__u64 name_length;
	__u64 pieces;
	__u64 count;
	__u64 control;
	__u64 control_length;
	__u64 flags;
};

static long count_text(__u64 index, struct context *context)
{
	struct list *texts = &context->thread->job.counted;
	__u64 text = 0;

	if (bpf_probe_read_user(&text, sizeof(text), (void *)(texts->list + index * sizeof(text))) || !text)
		return 1;
	texts->count = index + 1;
	return 0;
}

static __always_inline void lose(__u32 cause)
{
	__u64 *count = bpf_map_lookup_elem(&lost, &cause);
	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline void begin(struct event *event, const struct thread *thread)
{
	__u64 id = bpf_get_current_pid_tgid();

	event->type = thread->job.type;
	event->pid = id >> 32;
	event->tid = (__u32)id;
	event->number = thread->number;
	event->time_ns = thread->job.time_ns;
	event->entered_ns = thread->entered_ns;
	event->result = thread->job.result;
	for (int i = 0; i < 6; i++)
		event->arguments[i] = thread->arguments[i];
	event->chunks = 0;
	event->bytes = 0;
}

static __always_inline void reset(struct job *job)
{
	job->at = 0;
	job->chunks = 0;
	job->unreadable = 0;
	job->full = 0;
	job->is_text = 0;
	job->texts.list = 0;
	job->counted.list = 0;
	job->pieces.list = 0;
	job->name.list = 0;
}

#define SENT 0
#define TOO_SMALL 1
#define NO_ROOM 2

#define MARGIN 64
#define LARGEST 4096

#define SPAN 160
#define SIZED(name) name##_small
#include "syscalls-record.h"
#undef SPAN
#undef SIZED

#define SPAN 1024
#define SIZED(name) name##_middle
#include "syscalls-record.h"
#undef SPAN
#undef SIZED

#define SPAN LARGEST
#define SIZED(name) name##_large
#include "syscalls-record.h"
#undef SPAN
#undef SIZED

static __always_inline int send_plain(const struct thread *thread)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return NO_ROOM;
	begin(event, thread);
	bpf_ringbuf_submit(event, 0);
	return SENT;
}

static __always_inline void send(const struct call *spec, struct thread *thread)
{
	int outcome;

	if (!thread->job.wanted) {
		outcome = send_plain(thread);
	} else {
		outcome = send_small(spec, thread);
		if (outcome == TOO_SMALL)
			outcome = send_middle(spec, thread);
		if (outcome == TOO_SMALL)
			outcome = send_large(spec, thread);
	}
	if (outcome != SENT)
		lose(LOST_RING_FULL);
}

static __always_inline struct settings *mode(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&settings, &first);
}

/* FOLLOWED, HELD, or 0 when the process is none of ours. */
static __always_inline __u32 state_of(const struct settings *how, __u32 pid)
{
	__u32 *state;

	if (how->follow == FOLLOW_ALL)
		return FOLLOWED;
	state = bpf_map_lookup_elem(&followed, &pid);
	return state ? *state : 0;
}

static __always_inline struct call *traced(__s64 number)
{
	__u32 key = number;
	struct call *spec = bpf_map_lookup_elem(&calls, &key);

	return spec && spec->traced ? spec : 0;
}

static __always_inline struct thread *slot(__u32 tid)
{
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);

	if (!thread) {
		static const struct thread none;
		bpf_map_update_elem(&threads, &tid, &none, BPF_ANY);
		thread = bpf_map_lookup_elem(&threads, &tid);
	}
	return thread;
}

static __always_inline int entered(__s64 number, const __u64 *arguments)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id >> 32;
	__u32 tid = id;
	struct settings *how = mode();

	if (!how)
		return 0;
	__u32 state = state_of(how, pid);
	if (!state)
		return 0;
	if (state == HELD) {
		if (number == NANOSLEEP || number == GETPPID)
			return 0;
		state = FOLLOWED;
		bpf_map_update_elem(&followed, &pid, &state, BPF_ANY);
	}
	struct call *spec = traced(number);
	if (!spec)
		return 0;
	struct thread *thread = slot(tid);
	if (!thread) {
		lose(LOST_NO_SLOT);
		return 0;
	}
	thread->number = number;
	thread->again = 0;
	for (int i = 0; i < 6; i++)
		thread->arguments[i] = arguments[i];
	thread->entered_ns = bpf_ktime_get_ns();
	if (how->mode == MODE_STATISTICS)
		return 0;
	thread->job.type = EVENT_ENTER;
	thread->job.time_ns = thread->entered_ns;
	thread->job.result = 0;
	thread->job.wanted = spec->read;
	if (spec->read || number == EXIT || number == EXIT_GROUP)
		send(spec, thread);
	return 0;
}

static __always_inline __u32 latency_slot(__u64 ns)
{
	__u32 exponent = 0;
	__u64 rest = ns;

	if (ns < 4)
		return ns;
	for (__u32 shift = 32; shift; shift >>= 1) {
		if (rest >> shift) {
			rest >>= shift;
			exponent += shift;
		}
	}
	return exponent * 4 + (ns >> (exponent - 2) & 3);
}

static __always_inline void count(__u32 number, __s64 result, __u64 ns)
{
	struct statistics *all = bpf_map_lookup_elem(&statistics, &number);
	if (!all)
		return;
	__sync_fetch_and_add(&all->calls, 1);
	if (result < 0 && result >= -4095)
		__sync_fetch_and_add(&all->errors, 1);
	__sync_fetch_and_add(&all->total_ns, ns);
	if (ns > all->longest_ns)
		all->longest_ns = ns;
	__sync_fetch_and_add(&all->slots[latency_slot(ns) & (STATISTIC_SLOTS - 1)], 1);
}

static __always_inline int left(__s64 number, __s64 result)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id >> 32;
	__u32 tid = id;
	struct settings *how = mode();

	if (!how || state_of(how, pid) != FOLLOWED)
		return 0;
	if (number < 0) {
		/* rt_sigreturn has brought back the registers from before the signal: no call was under way then. */
		struct thread *returned = bpf_map_lookup_elem(&threads, &tid);
		if (!returned || !returned->entered_ns)
			return 0;
		number = returned->number;
	}
	struct call *spec = traced(number);
	if (!spec)
		return 0;
	struct thread *thread = slot(tid);
	if (!thread) {
		lose(LOST_NO_SLOT);
		return 0;
	}
	if (thread->number != number || !thread->entered_ns) {
		/* It began before us, or in another thread that execve has replaced by this one. */
		thread->number = number;
		thread->entered_ns = 0;
	}
	if (how->mode == MODE_STATISTICS) {
		if (thread->entered_ns)
			count(number, result, now - thread->entered_ns);
	} else {
		thread->job.type = EVENT_EXIT;
		thread->job.time_ns = now;
		thread->job.result = result;
		thread->job.wanted = 0;
		if (thread->entered_ns) {
			thread->job.wanted = spec->written;
			if (number != EXECVE || result < 0)
				thread->job.wanted |= thread->again;
		}
		send(spec, thread);
	}
	thread->entered_ns = 0;
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int on_enter(struct raw_enter *ctx)
{
	__u64 arguments[6];

	for (int i = 0; i < 6; i++)
		arguments[i] = ctx->arguments[i];
	return entered(ctx->number, arguments);
}

SEC("tracepoint/raw_syscalls/sys_exit")
int on_exit(struct raw_exit *ctx)
{
	return left(ctx->number, ctx->result);
}

SEC("tracepoint/sched/sched_process_fork")
int on_fork(struct forked *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u32 child = ctx->child;
	__u32 one = FOLLOWED;
	struct settings *how = mode();

	if (how && how->follow == FOLLOW_CHILDREN && bpf_map_lookup_elem(&followed, &pid))
		bpf_map_update_elem(&followed, &child, &one, BPF_ANY);
	return 0;
}

SEC("tracepoint/sched/sched_process_exit")
int on_end(void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id >> 32;
	__u32 tid = id;

	(void)ctx;
	if (bpf_map_lookup_elem(&followed, &pid)) {
		bpf_map_delete_elem(&threads, &tid);
		if (tid != pid)
			bpf_map_delete_elem(&followed, &tid);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
