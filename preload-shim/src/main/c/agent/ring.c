/*
 * The ring buffer's producers. Runs in the target, anywhere (see runtime.h). Ordering rules: a record's header is
 * written (busy) before the producer position that shows it; the data is written before the store that clears the busy
 * bit. No fence lies between that store and the look at wake_at: it would wait for the data to reach the cache, which is
 * the dearest part of an event. The look may therefore be too early by the time that a store takes to become visible,
 * and the reader, which stores wake_at before it looks at the header, looks a second time after longer than that.
 */
#include "runtime.h"

enum { NO_WAKEUP = 1, FORCE_WAKEUP = 2, FUTEX_WAKE = 1, OWNER_MASK = (1 << GRAFT_RECORD_OWNER_BITS) - 1 };

INLINE uint64_t *consumer(struct graft_map *map) { return (void *)(graft_base(map) + GRAFT_RING_CONSUMER_OFFSET); }
INLINE uint64_t *producer(struct graft_map *map) { return (void *)(graft_base(map) + GRAFT_RING_PRODUCER_OFFSET); }

INLINE struct graft_record *record_at(struct graft_map *map, uint64_t position)
{
    return (void *)(graft_data(map) + (position & ((uint64_t)map->max_entries - 1)));
}

INLINE uint64_t room_of(uint32_t length)
{
    return ((uint64_t)(length & GRAFT_RECORD_LENGTH) + sizeof(struct graft_record) + 7) & ~7ull;
}

/* First position that is still busy, from `pending` on. */
static uint64_t first_busy(struct graft_map *map, uint64_t pending, uint64_t end)
{
    while (pending < end) {
        uint32_t length = __atomic_load_n(&record_at(map, pending)->length, __ATOMIC_ACQUIRE);
        if (length & GRAFT_RECORD_BUSY)
            break;
        pending += room_of(length);
    }
    return pending;
}

void *graft_ring_reserve(struct graft_map *map, uint64_t size)
{
    struct graft_ring *ring = (void *)graft_base(map);
    if (size > GRAFT_RECORD_LENGTH || room_of((uint32_t)size) > map->max_entries)
        return 0;
    uint64_t consumed = __atomic_load_n(consumer(map), __ATOMIC_ACQUIRE);
    if (graft_lock(&ring->lock, &ring->lost_busy, &ring->lost_reentered, &ring->stuck))
        return 0;
    uint64_t at = *producer(map);
    uint64_t end = at + room_of((uint32_t)size);
    /* The reader may have moved an empty ring's positions since. */
    if (end - consumed > map->max_entries)
        consumed = __atomic_load_n(consumer(map), __ATOMIC_ACQUIRE);
    /* A reader never passes a busy record. One that does costs a walk, and still gets nothing overwritten. */
    if (ring->pending < consumed)
        ring->pending = consumed;
    if (end - ring->pending > map->max_entries)
        ring->pending = first_busy(map, ring->pending, at);
    if (end - consumed > map->max_entries || end - ring->pending > map->max_entries) {
        ring->lost_full++;
        graft_unlock(&ring->lock);
        return 0;
    }
    struct graft_record *record = record_at(map, at);
    uint32_t index = (uint32_t)(map - graft_descriptors());
    record->owner = (graft_tgid() & OWNER_MASK) | index << GRAFT_RECORD_OWNER_BITS;
    __atomic_store_n(&record->length, (uint32_t)size | GRAFT_RECORD_BUSY, __ATOMIC_RELAXED);
    __atomic_store_n(producer(map), end, __ATOMIC_RELEASE);
    graft_unlock(&ring->lock);
    return record + 1;
}

static void wake(struct graft_ring *ring)
{
    if (__atomic_exchange_n(&ring->wake_at, GRAFT_RING_AWAKE, __ATOMIC_SEQ_CST) == GRAFT_RING_AWAKE)
        return;
    __atomic_fetch_add(&ring->doorbell, 1, __ATOMIC_SEQ_CST);
    graft_call(SYS_FUTEX, (long)&ring->doorbell, FUTEX_WAKE, 1, 0, 0, 0);
}

static void commit(struct graft_map *map, struct graft_record *record, uint64_t flags, uint32_t mark)
{
    struct graft_ring *ring = (void *)graft_base(map);
    uint32_t length = record->length & ~GRAFT_RECORD_BUSY;
    __atomic_store_n(&record->length, length | mark, __ATOMIC_RELEASE);
    uint64_t wake_at = __atomic_load_n(&ring->wake_at, __ATOMIC_RELAXED);
    if (wake_at == GRAFT_RING_AWAKE || flags & NO_WAKEUP)
        return;
    uint64_t consumed = __atomic_load_n(consumer(map), __ATOMIC_RELAXED);
    uint64_t mask = (uint64_t)map->max_entries - 1;
    uint64_t at = consumed + (((uint64_t)record - graft_data(map) - consumed) & mask);
    int due = wake_at & GRAFT_RING_WAKE_EXACT ? at == (wake_at & ~7ull) : at + room_of(length) > wake_at;
    if (due || flags & FORCE_WAKEUP)
        wake(ring);
}

/* The map that a reserved record belongs to, or 0 when the header is not one of ours. */
static struct graft_map *map_of(struct graft_record *record)
{
    uint32_t index = record->owner >> GRAFT_RECORD_OWNER_BITS;
    struct graft_map *map = graft_descriptors() + index;
    if (index >= GRAFT_DESCRIPTORS_MAX || map->type != MAP_RINGBUF)
        return 0;
    return (uint64_t)record - graft_data(map) < map->max_entries ? map : 0;
}

void graft_ring_finish(void *sample, uint64_t flags, uint32_t mark)
{
    struct graft_record *record = (struct graft_record *)sample - 1;
    struct graft_map *map = map_of(record);
    if (map)
        commit(map, record, flags, mark);
}

EXPORT void *graft_helper_ringbuf_reserve(struct graft_map *map, uint64_t size, uint64_t flags)
{
    return flags ? 0 : graft_ring_reserve(map, size);
}

EXPORT void graft_helper_ringbuf_submit(void *sample, uint64_t flags) { graft_ring_finish(sample, flags, 0); }

EXPORT void graft_helper_ringbuf_discard(void *sample, uint64_t flags) { graft_ring_finish(sample, flags, GRAFT_RECORD_DISCARD); }

EXPORT long graft_helper_ringbuf_output(struct graft_map *map, const void *data, uint64_t size, uint64_t flags)
{
    if (flags & ~(uint64_t)(NO_WAKEUP | FORCE_WAKEUP))
        return -EINVAL;
    char *sample = graft_ring_reserve(map, size);
    if (!sample)
        return -EAGAIN;
    graft_copy(sample, data, size);
    commit(map, (struct graft_record *)sample - 1, flags, 0);
    return 0;
}

EXPORT uint64_t graft_helper_ringbuf_query(struct graft_map *map, uint64_t what)
{
    uint64_t consumed = __atomic_load_n(consumer(map), __ATOMIC_ACQUIRE);
    uint64_t produced = __atomic_load_n(producer(map), __ATOMIC_ACQUIRE);
    switch (what) {
    case 0: return produced - consumed;
    case 1: return map->max_entries;
    case 2: return consumed;
    case 3: return produced;
    default: return 0;
    }
}
