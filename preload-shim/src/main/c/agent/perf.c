/*
 * Producers of perf event arrays: a buffer for each processor, as the kernel maps them (see map.layout). Runs in the target,
 * anywhere (see runtime.h). A thread may be moved, interrupted or killed between any two instructions, and others then go on in
 * the same buffer. Ordering rules: a record's header is written (busy) before `reserved` shows it; its data before the exchange
 * that makes it complete; data_head passes complete records only. That exchange is a fence: of two producers that complete
 * neighbouring records at once, at least one sees both, and moves data_head past them.
 */
#include "runtime.h"

enum { FUTEX_WAKE = 1, LARGEST_EVENT = 0xffff - 64, LENGTH_SHIFT = 48, MISC_SHIFT = 32 };

#define CURRENT_CPU 0xffffffffull
#define NOWHERE (~0ull)

INLINE struct graft_perf_page *page_of(struct graft_map *map, uint32_t cpu)
{
    return (void *)(graft_data(map) + (uint64_t)cpu * map->cpu_stride);
}

/* Records begin at multiples of 8, so their headers and words are never divided. */
INLINE void *at(struct graft_map *map, struct graft_perf_page *page, uint64_t position)
{
    return (char *)(page + 1) + (position & (map->stride - 1));
}

/* Around the end of the data. */
static void put_bytes(struct graft_map *map, struct graft_perf_page *page, uint64_t position, const char *from, uint64_t size)
{
    uint64_t left = map->stride - (position & (map->stride - 1));
    uint64_t first = size < left ? size : left;
    graft_copy(at(map, page, position), from, first);
    graft_copy(page + 1, from + first, size - first);
}

INLINE void put_word(struct graft_map *map, struct graft_perf_page *page, uint64_t position, uint64_t word)
{
    *(uint64_t *)at(map, page, position) = word;
}

INLINE uint64_t load(uint64_t *word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
INLINE void store(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }

/*
 * How many losses no record tells of yet. Under the lock. The record at report_at was begun or not, whatever became of who began
 * it, by the same store that moved `reserved`.
 */
static uint64_t unreported(struct graft_perf_page *page)
{
    if (page->report_at < page->reserved)
        store(&page->reported, page->report_to);
    return load(&page->lost_full) + load(&page->lost_busy) + load(&page->lost_reentered) - page->reported;
}

/* A record of losses at `position`, complete as soon as it is begun. */
static void report(struct graft_map *map, struct graft_perf_page *page, uint64_t position, uint64_t lost)
{
    uint64_t size = sizeof(struct graft_perf_lost);
    store(&page->report_at, NOWHERE);
    store(&page->report_to, page->reported + lost);
    store(&page->report_at, position);
    put_word(map, page, position, GRAFT_PERF_RECORD_LOST | size << LENGTH_SHIFT);
    put_word(map, page, position + 8, 0);
    put_word(map, page, position + 16, lost);
}

/* Begins a record of `room` bytes, behind one of losses when there were any: its position, or NOWHERE. */
static uint64_t begin(struct graft_map *map, struct graft_perf_page *page, uint64_t room)
{
    if (graft_lock(&page->lock, &page->lost_busy, &page->lost_reentered, &page->stuck))
        return NOWHERE;
    uint64_t position = page->reserved, lost = unreported(page);
    uint64_t end = position + room + (lost ? sizeof(struct graft_perf_lost) : 0);
    uint64_t tail = __atomic_load_n(&page->data_tail, __ATOMIC_ACQUIRE);
    /* As in the kernel, a buffer is never quite full. Whatever a reader says, what is not complete is not overwritten. */
    if (end - tail >= map->stride || end - load(&page->data_head) >= map->stride) {
        __atomic_fetch_add(&page->lost_full, 1, __ATOMIC_RELAXED);
        graft_unlock(&page->lock);
        return NOWHERE;
    }
    if (lost) {
        report(map, page, position, lost);
        position += sizeof(struct graft_perf_lost);
    }
    uint64_t owner = GRAFT_PERF_RECORD_BUSY | (graft_tgid() & GRAFT_PERF_RECORD_OWNER);
    put_word(map, page, position, owner | (uint64_t)GRAFT_PERF_MISC_USER << MISC_SHIFT | room << LENGTH_SHIFT);
    store(&page->reserved, end);
    graft_unlock(&page->lock);
    return position;
}

/* Moves data_head past all that is complete. A header that is read when its place has a newer one moves nothing. */
static void advance(struct graft_map *map, struct graft_perf_page *page)
{
    for (uint64_t steps = map->stride / sizeof(struct graft_perf_lost); steps; steps--) {
        uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
        if (head == __atomic_load_n(&page->reserved, __ATOMIC_ACQUIRE))
            return;
        uint64_t word = __atomic_load_n((uint64_t *)at(map, page, head), __ATOMIC_ACQUIRE);
        if (word & GRAFT_PERF_RECORD_BUSY)
            return;
        __atomic_compare_exchange_n(
            &page->data_head, &head, head + (word >> LENGTH_SHIFT), 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    }
}

static void wake(struct graft_map *map)
{
    struct graft_perf *array = (void *)graft_base(map);
    if (!__atomic_load_n(&array->sleeping, __ATOMIC_SEQ_CST) || !__atomic_exchange_n(&array->sleeping, 0, __ATOMIC_SEQ_CST))
        return;
    __atomic_fetch_add(&array->doorbell, 1, __ATOMIC_SEQ_CST);
    graft_call(SYS_FUTEX, (long)&array->doorbell, FUTEX_WAKE, 1, 0, 0, 0);
}

static long output(struct graft_map *map, uint32_t cpu, const void *data, uint64_t size)
{
    struct graft_perf_page *page = page_of(map, cpu);
    uint64_t used = (sizeof(struct graft_perf_record) + size + 7) & ~7ull;
    uint64_t room = used < sizeof(struct graft_perf_lost) ? sizeof(struct graft_perf_lost) : used;
    uint64_t position = begin(map, page, room);
    if (position == NOWHERE)
        return -ENOSPC;
    put_word(map, page, position + used - 8, 0); /* what the data does not fill */
    *(uint32_t *)at(map, page, position + 8) = (uint32_t)(used - sizeof(struct graft_perf_record));
    put_bytes(map, page, position + sizeof(struct graft_perf_record), data, size);
    __atomic_exchange_n((uint32_t *)at(map, page, position), GRAFT_PERF_RECORD_SAMPLE, __ATOMIC_SEQ_CST);
    advance(map, page);
    wake(map);
    return 0;
}

/* The order of the kernel's errors (__bpf_perf_event_output). */
EXPORT long graft_helper_perf_event_output(
    const void *context, struct graft_map *map, uint64_t flags, const void *data, uint64_t size)
{
    (void)context;
    if (flags & ~CURRENT_CPU)
        return -EINVAL;
    uint32_t cpu = graft_cpu(), index = flags == CURRENT_CPU ? cpu : (uint32_t)flags;
    if (index >= map->max_entries)
        return -E2BIG;
    if (index >= map->cpus)
        return -ENOENT;
    if (index != cpu)
        return -EOPNOTSUPP;
    return size > LARGEST_EVENT ? -E2BIG : output(map, cpu, data, size);
}
