/*
 * Whether a stopped thread can still come into a pool: its program counter, a word of its stack that looks like an
 * address there, or a return slot whose stack slot still holds one. Conservative: a stale word counts. Runs in the
 * daemon. Uses no libc. Ordering rule: all threads are stopped before and until the answer is used.
 */
#include "tracer.h"

enum { RED_ZONE = 128 };

static long in_pool(const struct graft_idle *idle, uint64_t address)
{
    const uint64_t *pools = POINTER(uint64_t, idle->pools);
    for (uint64_t i = 0; i < idle->pool_count; i++)
        if (address >= pools[2 * i] && address < pools[2 * i + 1]) return 1;
    return 0;
}

static uint64_t end_of_mapping(const struct graft_idle *idle, uint64_t address)
{
    const uint64_t *mappings = POINTER(uint64_t, idle->mappings);
    for (uint64_t i = 0; i < idle->mapping_count; i++)
        if (address >= mappings[2 * i] && address < mappings[2 * i + 1]) return mappings[2 * i + 1];
    return 0;
}

static long stack_points_in(struct graft_stop *stop, const struct graft_idle *idle, uint64_t pointer)
{
    uint64_t bottom = (pointer - RED_ZONE) & -8ull, end = end_of_mapping(idle, pointer), *words;
    if (end <= bottom) return 0;
    uint64_t size = end - bottom < idle->buffer_size ? end - bottom : idle->buffer_size;
    words = POINTER(uint64_t, idle->buffer);
    long done = graft_memory_read(stop, bottom, words, size);
    for (long i = 0; i < done / 8; i++)
        if (in_pool(idle, words[i])) return 1;
    return 0;
}

static long return_pending(struct graft_stop *stop, const struct graft_idle *idle, uint64_t table)
{
    uint64_t *slots = POINTER(uint64_t, idle->buffer), word;
    long size = GRAFT_RETURN_SLOTS * 16;
    if (graft_memory_read(stop, table, slots, (uint64_t)size) != size) return 0;
    for (uint64_t i = 0; i < GRAFT_RETURN_SLOTS; i++) {
        uint64_t slot = slots[2 * i];
        if (slot && graft_memory_read(stop, slot, &word, sizeof word) == sizeof word && in_pool(idle, word)) return 1;
    }
    return 0;
}

/* 0: no thread can; 1: one may. */
long graft_idle_check(struct graft_stop *stop, struct graft_operation *op)
{
    const struct graft_idle *idle = POINTER(struct graft_idle, op->a);
    uint64_t *threads = POINTER(uint64_t, stop->threads);
    for (uint32_t i = 0; i < stop->thread_count; i++) {
        struct graft_tracee *thread = POINTER(struct graft_tracee, threads[i]);
        if (thread->state != GRAFT_TRACEE_STOPPED) continue;
        if (in_pool(idle, thread->registers[RIP])) return 1;
        if (stack_points_in(stop, idle, thread->registers[RSP])) return 1;
    }
    const uint64_t *tables = POINTER(uint64_t, idle->slots);
    for (uint64_t i = 0; i < idle->slot_tables; i++)
        if (return_pending(stop, idle, tables[i])) return 1;
    return 0;
}
