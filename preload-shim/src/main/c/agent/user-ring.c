/*
 * The user ring buffer's consumers. Runs in the target, anywhere (see runtime.h). Results are those of kernel/bpf/ringbuf.c: the one
 * that holds the lock takes samples, others go away. A sample is consumed when the callback has returned, so a death loses none.
 */
#include "dynptr.h"

enum { NO_WAKEUP = 1, FORCE_WAKEUP = 2, FUTEX_WAKE = 1, EVERYBODY = 0x7fffffff, ENODATA = 61, MAX_SAMPLES = 128 << 10 };

typedef uint64_t (*sample_callback)(struct graft_dynptr *sample, uint64_t context);

INLINE uint64_t *consumer(struct graft_map *map) { return (void *)(graft_base(map) + GRAFT_RING_CONSUMER_OFFSET); }
INLINE uint64_t *producer(struct graft_map *map) { return (void *)(graft_base(map) + GRAFT_RING_PRODUCER_OFFSET); }

INLINE uint64_t room_of(uint32_t length) { return ((uint64_t)length + sizeof(struct graft_record) + 7) & ~7ull; }

static void release(struct graft_map *map, uint32_t length)
{
    __atomic_store_n(consumer(map), *consumer(map) + room_of(length), __ATOMIC_RELEASE);
}

/* The next sample, which stays where it is; -EAGAIN when one was passed over. */
static long peek(struct graft_map *map, struct graft_dynptr *sample)
{
    uint64_t produced = __atomic_load_n(producer(map), __ATOMIC_ACQUIRE);
    if (produced % 8)
        return -EINVAL;
    uint64_t consumed = __atomic_load_n(consumer(map), __ATOMIC_ACQUIRE);
    if (consumed >= produced)
        return -ENODATA;
    struct graft_record *record = (void *)(graft_data(map) + (consumed & (map->max_entries - 1)));
    uint32_t header = __atomic_load_n(&record->length, __ATOMIC_ACQUIRE);
    uint32_t length = header & GRAFT_RECORD_LENGTH;
    if (room_of(length) > produced - consumed)
        return -EINVAL;
    if (room_of(length) > map->max_entries || length > GRAFT_DYNPTR_LENGTH)
        return -E2BIG;
    if (header & GRAFT_RECORD_DISCARD) {
        release(map, length);
        return -EAGAIN;
    }
    if (header & GRAFT_RECORD_BUSY)
        return -ENODATA;
    graft_dynptr_set(sample, record + 1, length);
    return 0;
}

/* How many samples the callback was given. */
static long drain(struct graft_map *map, sample_callback callback, uint64_t context, long *looked_at)
{
    long discarded = 0;
    uint64_t stop = 0;
    for (*looked_at = 0; *looked_at < MAX_SAMPLES && !stop; ++*looked_at) {
        struct graft_dynptr sample;
        long result = peek(map, &sample);
        if (result == -EAGAIN) {
            discarded++;
            continue;
        }
        if (result == -ENODATA)
            break;
        if (result)
            return result;
        uint32_t length = graft_dynptr_length(&sample);
        stop = callback(&sample, context);
        release(map, length);
    }
    return *looked_at - discarded;
}

/* The counter's change comes before the look at who waits. */
static void wake(struct graft_user_ring *ring)
{
    __atomic_fetch_add(&ring->doorbell, 1, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&ring->waiting, 0, __ATOMIC_SEQ_CST))
        graft_call(SYS_FUTEX, (long)&ring->doorbell, FUTEX_WAKE, EVERYBODY, 0, 0, 0);
}

EXPORT long graft_helper_user_ringbuf_drain(
    struct graft_map *map, sample_callback callback, uint64_t context, uint64_t flags)
{
    struct graft_user_ring *ring = (void *)graft_base(map);
    if (flags & ~(uint64_t)(NO_WAKEUP | FORCE_WAKEUP))
        return -EINVAL;
    if (!graft_try_lock(&ring->lock, graft_owner()))
        return -EBUSY;
    long looked_at;
    long result = drain(map, callback, context, &looked_at);
    graft_unlock(&ring->lock);
    if (flags & FORCE_WAKEUP || (!(flags & NO_WAKEUP) && looked_at > 0))
        wake(ring);
    return result;
}
