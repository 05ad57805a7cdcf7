/*
 * Counts calls by the path they name. What was asked for is kept by thread until the call returns; the kernel has loaded
 * the page of the path by then, so it is read again when it could not be read before.
 */
#ifndef GRAFT_FILES_H
#define GRAFT_FILES_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "snoop.h"

struct asked {
	__u64 address;
	__u64 waiting; /* for the call to return */
	struct file file;
};

/* Elements stay, so that nothing is copied and nothing allocated from the second call of a thread on. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct asked);
} __asking SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct file);
	__type(value, struct outcome);
} files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct file);
	__type(value, struct outcome_part);
} __files SEC(".maps");

static __always_inline struct asked *asked_by(__u32 tid)
{
	struct asked *asked = bpf_map_lookup_elem(&__asking, &tid);

	if (!asked) {
		struct asked none = {};

		bpf_map_update_elem(&__asking, &tid, &none, BPF_NOEXIST);
		asked = bpf_map_lookup_elem(&__asking, &tid);
	}
	return asked;
}

static __always_inline int ask(__u64 address)
{
	struct asked *asked = asked_by(bpf_get_current_pid_tgid());

	if (!asked)
		return 0;
	asked->address = address;
	asked->waiting = 1;
	__builtin_memset(asked->file.path, 0, PATH_BYTES);
	if (bpf_probe_read_user_str(asked->file.path, PATH_BYTES, (void *)address) < 0)
		asked->file.path[0] = 0;
	return 0;
}

/* All processors in one element. */
static __always_inline int count_together(struct file *file, __s64 result)
{
	struct outcome *known = bpf_map_lookup_elem(&files, file);

	if (!known) {
		struct outcome none = {};

		bpf_map_update_elem(&files, file, &none, BPF_NOEXIST);
		known = bpf_map_lookup_elem(&files, file);
		if (!known)
			return 0;
	}
	__sync_fetch_and_add(&known->calls, 1);
	if (result < 0)
		__sync_fetch_and_add(&known->errors, 1);
	known->last_result = result;
	return 0;
}

static __always_inline int answer(__s64 result)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct asked *asked = bpf_map_lookup_elem(&__asking, &tid);

	if (!asked || !asked->waiting)
		return 0; /* attached in the middle of the call */
	asked->waiting = 0;
	if (!asked->file.path[0])
		bpf_probe_read_user_str(asked->file.path, PATH_BYTES, (void *)asked->address);
	struct outcome_part *known = bpf_map_lookup_elem(&__files, &asked->file);
	if (!known) {
		struct outcome_part none = {};

		bpf_map_update_elem(&__files, &asked->file, &none, BPF_NOEXIST);
		known = bpf_map_lookup_elem(&__files, &asked->file);
		if (!known)
			return count_together(&asked->file, result);
	}
	known->outcome.calls += 1;
	if (result < 0)
		known->outcome.errors += 1;
	known->outcome.last_result = result;
	known->last_ns = bpf_ktime_get_ns();
	return 0;
}

#endif
