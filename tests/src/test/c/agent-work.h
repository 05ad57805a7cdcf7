/* Work without end on maps and rings, with notes of it, for the program that runs the agent. */
#ifndef AGENT_WORK_H
#define AGENT_WORK_H

#include "runtime.h"

/* What programs call, and here the works do. */
void *graft_helper_map_lookup_elem(struct graft_map *map, const void *key);
long graft_helper_map_update_elem(struct graft_map *map, const void *key, const void *value, uint64_t flags);
long graft_helper_map_delete_elem(struct graft_map *map, const void *key);
long graft_helper_map_push_elem(struct graft_map *map, const void *value, uint64_t flags);
long graft_helper_map_pop_elem(struct graft_map *map, void *value);
long graft_helper_map_peek_elem(struct graft_map *map, void *value);
void *graft_helper_ringbuf_reserve(struct graft_map *map, uint64_t size, uint64_t flags);
void graft_helper_ringbuf_submit(void *sample, uint64_t flags);
long graft_helper_ringbuf_output(struct graft_map *map, const void *data, uint64_t size, uint64_t flags);

/*
 * What a worker did, in memory that others read when it was killed. An operation is noted as begun before it is done and
 * as done after it; a value that came out is logged before the count of those.
 */
struct notes {
    uint64_t begun, done, refused, logged, wrong;
    uint64_t log[];
};

enum { NOTES_LOG = (1 << 22) - 5, TORN = -1, WORKER_SHIFT = 40 };

/* A worker's number of something. */
INLINE uint64_t number_of(long worker, uint64_t number) { return (uint64_t)worker << WORKER_SHIFT | number; }

INLINE uint64_t check_of(uint64_t number) { return (number ^ number >> 32) * 0x9e3779b97f4a7c15ull; }

/* Values are a number and two words that follow from it. */
struct numbered {
    uint64_t number, check, inverse;
};

INLINE struct numbered numbered(uint64_t number)
{
    return (struct numbered){number, check_of(number), ~check_of(number)};
}

INLINE int is_whole(const struct numbered *value)
{
    return value->check == check_of(value->number) && value->inverse == ~value->check;
}


void open_notes(const char *file);
/* The work's name, and the worker's number: 1 and up. It ends when the notes of worker 0 say so. */
const char *work(const char *name, long worker);
/* In so many threads, workers from the first on. */
const char *team(const char *name, long first, long count);
/* Starts the command in a process of its own and kills that a while after it has begun; its process id. */
int slay(long micros, void (*command)(char *line), char *line);

/* Walks of random stacks by random tables: how many were deep, or -1 when one gave what it must not. */
long unwind_lies(unsigned seed, long count);

/* Something with the lock in the first value of the array that was opened last; its word afterwards. */
uint32_t spin(const char *what, long times);

/* The map that was opened last. */
struct graft_map *opened(void);
void open_map(const char *file);
/* Of numbers of 8 bytes. */
void open_array(const char *file, uint32_t entries);
int stopped(void);
struct notes *notes_of(long worker);

/* A map of maps, of which so many bytes cannot be written: its descriptor, with distances in place of addresses. */
void open_holder(const char *file, long read_only, const char *descriptor);
/* The map that is first in it, or 0. */
struct graft_map *held(void);

void *map_file(const char *file);

INLINE void begin(struct notes *notes) { __atomic_store_n(&notes->begun, notes->begun + 1, __ATOMIC_RELEASE); }
INLINE void end(uint64_t *count) { __atomic_store_n(count, *count + 1, __ATOMIC_RELEASE); }

/* Of a perf event array, in place of the ring. */
void open_perf(const char *file, uint32_t entries);
/* A record on each processor, and none on another one; how many went wrong. */
long output_everywhere(void);
long output_once(long flags, long size);

void perf_work(struct notes *notes, long worker);
void inner_work(struct notes *notes, unsigned *state);
void race_work(struct notes *notes, long worker, unsigned *state);
void sum_work(struct notes *notes, unsigned *state);
void exchange_work(struct notes *notes, long worker, unsigned *state);
void trace_work(struct notes *notes, long worker, unsigned *state);

#endif
