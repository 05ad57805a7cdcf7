/*
 * Queues, stacks and bloom filters. Runs in the target, anywhere (see runtime.h). Queues and stacks are changed under a
 * lock, by one store of a position; bits of filters are only ever set.
 */
#include "hash.h"

INLINE struct graft_queue *queue_of(struct graft_map *map) { return (void *)graft_base(map); }

INLINE void *slot(struct graft_map *map, uint64_t position)
{
    return (void *)(graft_data(map) + position % map->max_entries * map->stride);
}

INLINE long lock(struct graft_queue *queue)
{
    return graft_lock(&queue->lock, &queue->lock_busy, &queue->lock_reentered, &queue->stuck);
}

static long queue_push(struct graft_map *map, const void *value, uint64_t flags)
{
    struct graft_queue *queue = queue_of(map);
    if (flags != BPF_ANY && flags != BPF_EXIST)
        return -EINVAL;
    long result = lock(queue);
    if (result)
        return result;
    uint64_t head = queue->head, tail = queue->tail;
    if (head - tail >= map->max_entries) {
        result = flags == BPF_EXIST ? 0 : -E2BIG;
        if (!result)
            __atomic_store_n(&queue->tail, head - map->max_entries + 1, __ATOMIC_RELEASE);
    }
    if (!result) {
        graft_copy(slot(map, head), value, map->value_size);
        __atomic_store_n(&queue->head, head + 1, __ATOMIC_RELEASE);
    }
    graft_unlock(&queue->lock);
    return result;
}

enum end { PEEK, POP };

/* The value is filled in any case: programs rely on it. */
static long queue_first(struct graft_map *map, void *value, enum end end)
{
    struct graft_queue *queue = queue_of(map);
    long result = lock(queue);
    if (result) {
        graft_zero(value, map->value_size);
        return result;
    }
    uint64_t head = queue->head, tail = queue->tail;
    if (head == tail) {
        graft_zero(value, map->value_size);
        result = -ENOENT;
    } else if (map->type == MAP_QUEUE) {
        graft_copy(value, slot(map, tail), map->value_size);
        if (end == POP)
            __atomic_store_n(&queue->tail, tail + 1, __ATOMIC_RELEASE);
    } else {
        graft_copy(value, slot(map, head - 1), map->value_size);
        if (end == POP)
            __atomic_store_n(&queue->head, head - 1, __ATOMIC_RELEASE);
    }
    graft_unlock(&queue->lock);
    return result;
}

INLINE struct graft_bloom *bloom_of(struct graft_map *map) { return (void *)graft_base(map); }

INLINE uint64_t bloom_hash(struct graft_map *map, const char *value)
{
    uint64_t h = bloom_of(map)->seed;
    uint32_t size = map->value_size;
    for (; size >= 8; size -= 8, value += 8)
        h = mixed(h, word_at(value));
    return size ? mixed(h, last_word(value, size)) : h;
}

/* The number of the value's bit i. */
INLINE uint32_t bit_of(struct graft_bloom *bloom, uint64_t hash, uint32_t i)
{
    return ((uint32_t)hash + i * ((uint32_t)(hash >> 32) | 1)) & bloom->mask;
}

INLINE uint64_t *word_of(struct graft_map *map, uint32_t bit) { return (uint64_t *)graft_data(map) + bit / 64; }

static long bloom_push(struct graft_map *map, const char *value, uint64_t flags)
{
    struct graft_bloom *bloom = bloom_of(map);
    if (flags != BPF_ANY)
        return -EINVAL;
    uint64_t hash = bloom_hash(map, value);
    for (uint32_t i = 0; i < bloom->hashes; i++) {
        uint32_t bit = bit_of(bloom, hash, i);
        uint64_t *word = word_of(map, bit), set = 1ull << bit % 64;
        if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & set)) /* bits that are set stay so: their lines are all processors' */
            __atomic_fetch_or(word, set, __ATOMIC_RELAXED);
    }
    return 0;
}

static long bloom_peek(struct graft_map *map, const char *value)
{
    struct graft_bloom *bloom = bloom_of(map);
    uint64_t hash = bloom_hash(map, value);
    for (uint32_t i = 0; i < bloom->hashes; i++) {
        uint32_t bit = bit_of(bloom, hash, i);
        if (!(__atomic_load_n(word_of(map, bit), __ATOMIC_RELAXED) >> bit % 64 & 1))
            return -ENOENT;
    }
    return 0;
}

EXPORT long graft_helper_map_push_elem(struct graft_map *map, const void *value, uint64_t flags)
{
    switch (map->type) {
    case MAP_QUEUE:
    case MAP_VALUE_STACK: return queue_push(map, value, flags);
    case MAP_BLOOM_FILTER: return bloom_push(map, value, flags);
    default: return -EINVAL;
    }
}

EXPORT long graft_helper_map_pop_elem(struct graft_map *map, void *value)
{
    return map->type == MAP_QUEUE || map->type == MAP_VALUE_STACK ? queue_first(map, value, POP) : -EINVAL;
}

EXPORT long graft_helper_map_peek_elem(struct graft_map *map, void *value)
{
    switch (map->type) {
    case MAP_QUEUE:
    case MAP_VALUE_STACK: return queue_first(map, value, PEEK);
    case MAP_BLOOM_FILTER: return bloom_peek(map, value);
    default: return -EINVAL;
    }
}
