/* Operations of many threads on the same keys, with times, for the program that runs the agent (see agent-work.h). */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent-work.h"

/* Keys: few for histories and sums, many for those that come and go. A value's number says which key it belongs to. */
enum { FEW_KEYS = 3, SUMS = 8, MANY_KEYS = 512, OPERATIONS = 256, KEY_SHIFT = 30, READS = 10000 };
enum { LOOKUP, UPDATE_ANY, UPDATE_NOEXIST, UPDATE_EXIST, DELETE, PUSH, POP, PEEK };

/* One operation: what, when, and what came of it. */
struct event {
    uint64_t operation, key, value, result, from, to;
};

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

static int is_queue(void) { return opened()->type == MAP_QUEUE || opened()->type == MAP_VALUE_STACK; }

static uint64_t key_in(uint64_t number) { return number >> KEY_SHIFT & (MANY_KEYS - 1); }

/*
 * The value of a key, or 0. An element may become another one's between the lookup and the read, as in the kernel: then
 * the second lookup finds another, or the number is another's.
 */
static int read_value(uint64_t key, struct numbered *value)
{
    struct graft_map *map = opened();
    for (int i = 0; i < READS; i++) {
        const struct numbered *found = graft_helper_map_lookup_elem(map, &key);
        if (!found)
            return 0;
        memcpy(value, found, map->value_size);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        int whole = map->value_size < sizeof(*value) || is_whole(value);
        if (graft_helper_map_lookup_elem(map, &key) == found && whole && key_in(value->number) == key
            && __atomic_load_n(&found->number, __ATOMIC_ACQUIRE) == value->number)
            return 1;
    }
    value->number = (uint64_t)TORN;
    return 1;
}

static long act(struct event *event, struct numbered *value)
{
    struct graft_map *map = opened();
    switch (event->operation) {
    case LOOKUP: return read_value(event->key, value) ? 0 : -ENOENT;
    case DELETE: return graft_helper_map_delete_elem(map, &event->key);
    case PUSH: return graft_helper_map_push_elem(map, value, BPF_ANY);
    case POP: return graft_helper_map_pop_elem(map, value);
    case PEEK: return graft_helper_map_peek_elem(map, value);
    default: return graft_helper_map_update_elem(map, &event->key, value, event->operation - UPDATE_ANY);
    }
}

static void record(struct event *event, uint64_t number, unsigned *state)
{
    event->operation = is_queue() ? PUSH + (uint64_t)rand_r(state) % 3 : (uint64_t)rand_r(state) % (DELETE + 1);
    event->key = is_queue() ? 0 : (uint64_t)rand_r(state) % FEW_KEYS;
    struct numbered value = numbered(number | event->key << KEY_SHIFT);
    event->from = now();
    event->result = (uint64_t)act(event, &value);
    /* The clock does not wait until stores are visible to others; who learns of the operation through memory does. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    event->to = now();
    event->value = value.number;
}

/* Round after round, each when the notes of worker 0 say so; `done` is the last one. */
void race_work(struct notes *notes, long worker, unsigned *state)
{
    struct event *events = (void *)notes->log;
    for (uint64_t round = 1;; round++) {
        while (__atomic_load_n(&notes_of(0)->done, __ATOMIC_ACQUIRE) < round) {
            if (stopped())
                return;
            sched_yield();
        }
        for (uint64_t i = 0; i < OPERATIONS; i++) {
            record(events + i, number_of(worker, (round & 0xffff) << 8 | i), state);
            if (rand_r(state) % 64 == 0)
                sched_yield();
        }
        notes->logged = OPERATIONS;
        __atomic_store_n(&notes->done, round, __ATOMIC_RELEASE);
    }
}

/* Adds 1 to one of a few sums again and again. In a hash the first one makes it. */
void sum_work(struct notes *notes, unsigned *state)
{
    struct graft_map *map = opened();
    const uint64_t zero = 0;
    while (!stopped()) {
        uint64_t key = (uint64_t)rand_r(state) % SUMS, *sum = graft_helper_map_lookup_elem(map, &key);
        if (!sum) {
            notes->refused += graft_helper_map_update_elem(map, &key, &zero, BPF_NOEXIST) == 0;
            continue;
        }
        __atomic_fetch_add(sum, 1, __ATOMIC_RELAXED);
        notes->done++;
    }
}

/* Keys of all come and go: of `begun` changes and looks, `done` made one and `refused` deleted one. Each value is its key's. */
void exchange_work(struct notes *notes, long worker, unsigned *state)
{
    struct graft_map *map = opened();
    for (uint64_t i = 0; !stopped(); i++) {
        notes->begun++;
        uint64_t key = (uint64_t)rand_r(state) % MANY_KEYS, choice = (uint64_t)rand_r(state) % 8;
        struct numbered value = numbered(number_of(worker, i & 0xffffff) | key << KEY_SHIFT);
        if (choice < 3)
            notes->done += graft_helper_map_update_elem(map, &key, &value, BPF_NOEXIST) == 0;
        else if (choice < 5)
            notes->refused += graft_helper_map_delete_elem(map, &key) == 0;
        else if (choice < 6)
            graft_helper_map_update_elem(map, &key, &value, BPF_EXIST);
        else if (read_value(key, &value))
            notes->wrong += value.number == (uint64_t)TORN;
    }
}
