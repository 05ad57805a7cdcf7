/*
 * Hash maps. Runs in the target, anywhere (see runtime.h). Lookups take no lock; changes hold their bucket's lock.
 * Ordering rules: an element is complete before the release store that links it; `pending` is written before the change
 * it describes and cleared before an element goes back to the free list, so that a death in between can lose an element
 * but never hand it out twice.
 */
#include "runtime.h"

#define RESTARTS 100
#define FREE_MARK 0xc0000000u /* never equal to an end mark: buckets have 30 bits */

INLINE struct graft_hash *header(struct graft_map *map) { return (void *)map->base; }

INLINE struct graft_element *element(struct graft_map *map, struct graft_hash *hash, uint32_t index)
{
    return (void *)(map->data + (uint64_t)index * hash->element_size);
}

INLINE struct graft_bucket *bucket_at(struct graft_hash *hash, uint32_t index)
{
    return (struct graft_bucket *)(hash + 1) + index;
}

INLINE char *key_of(struct graft_element *element) { return (char *)(element + 1); }

INLINE uint32_t hash_of(struct graft_hash *hash, const char *key, uint32_t size)
{
    uint64_t h = hash->seed;
    uint64_t word;
    for (; size >= 8; size -= 8, key += 8) {
        __builtin_memcpy(&word, key, 8);
        h = (h ^ word) * GRAFT_HASH_FACTOR;
        h ^= h >> 32;
    }
    if (size) {
        word = 0;
        for (uint32_t i = 0; i < size; i++)
            word |= (uint64_t)(uint8_t)key[i] << 8 * i;
        h = (h ^ word) * GRAFT_HASH_FACTOR;
        h ^= h >> 32;
    }
    return (uint32_t)h;
}

INLINE int same_key(const char *a, const char *b, uint32_t size)
{
    uint64_t x, y;
    for (; size >= 8; size -= 8, a += 8, b += 8) {
        __builtin_memcpy(&x, a, 8);
        __builtin_memcpy(&y, b, 8);
        if (x != y)
            return 0;
    }
    for (; size; size--)
        if (*a++ != *b++)
            return 0;
    return 1;
}

/* The element with the key, or the end mark or free mark that ended the chain. *link is what points there. */
static uint32_t find(struct graft_map *map, uint32_t *link, const char *key, uint32_t code, uint32_t **at)
{
    struct graft_hash *hash = header(map);
    uint32_t index = __atomic_load_n(link, __ATOMIC_ACQUIRE);
    for (uint32_t steps = 0; index < hash->capacity && steps < hash->capacity; steps++) {
        struct graft_element *e = element(map, hash, index);
        if (__atomic_load_n(&e->hash, __ATOMIC_RELAXED) == code && same_key(key_of(e), key, map->key_size))
            break;
        link = &e->next;
        index = __atomic_load_n(link, __ATOMIC_ACQUIRE);
    }
    *at = link;
    return index;
}

/* The value that a program of this CPU sees. */
INLINE void *value_of(struct graft_map *map, struct graft_hash *hash, uint32_t index)
{
    if (map->type == MAP_PERCPU_HASH)
        return (char *)hash + hash->values_offset + (uint64_t)graft_cpu() * hash->cpu_stride
               + (uint64_t)index * hash->stride;
    return (char *)element(map, hash, index) + hash->value_offset;
}

void *graft_hash_lookup(struct graft_map *map, const void *key)
{
    struct graft_hash *hash = header(map);
    uint32_t code = hash_of(hash, key, map->key_size);
    uint32_t bucket = code & hash->bucket_mask;
    for (int restarts = 0; restarts < RESTARTS; restarts++) {
        uint32_t *link;
        uint32_t index = find(map, &bucket_at(hash, bucket)->head, key, code, &link);
        if (index < hash->capacity)
            return value_of(map, hash, index);
        if (index == (GRAFT_HASH_END | bucket))
            return 0;
    }
    return 0;
}

/* An unused element + 1, or 0. */
static uint32_t take(struct graft_map *map, struct graft_hash *hash)
{
    uint64_t head = __atomic_load_n(&hash->free, __ATOMIC_ACQUIRE);
    while ((uint32_t)head) {
        uint32_t next = __atomic_load_n(&element(map, hash, (uint32_t)head - 1)->next, __ATOMIC_RELAXED);
        uint64_t after = ((head >> 32) + 1) << 32 | (next & ~FREE_MARK);
        if (__atomic_compare_exchange_n(&hash->free, &head, after, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return (uint32_t)head;
    }
    uint32_t fresh = __atomic_load_n(&hash->fresh, __ATOMIC_RELAXED);
    while (fresh < hash->capacity)
        if (__atomic_compare_exchange_n(&hash->fresh, &fresh, fresh + 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return fresh + 1;
    return 0;
}

static void give_back(struct graft_map *map, struct graft_hash *hash, uint32_t index)
{
    uint64_t head = __atomic_load_n(&hash->free, __ATOMIC_RELAXED);
    uint64_t after;
    do {
        __atomic_store_n(&element(map, hash, index)->next, FREE_MARK | (uint32_t)head, __ATOMIC_RELAXED);
        after = ((head >> 32) + 1) << 32 | (index + 1);
    } while (!__atomic_compare_exchange_n(&hash->free, &head, after, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static void fill(struct graft_map *map, uint32_t index, const char *key, uint32_t code, const void *value)
{
    struct graft_hash *hash = header(map);
    struct graft_element *e = element(map, hash, index);
    __atomic_store_n(&e->hash, code, __ATOMIC_RELAXED);
    graft_copy(key_of(e), key, map->key_size);
    if (map->type == MAP_PERCPU_HASH)
        for (uint32_t cpu = 0; cpu < hash->cpus; cpu++)
            graft_zero((char *)hash + hash->values_offset + (uint64_t)cpu * hash->cpu_stride
                           + (uint64_t)index * hash->stride, hash->stride);
    graft_copy(value_of(map, hash, index), value, map->value_size);
}

INLINE void set_pending(struct graft_bucket *bucket, uint32_t pending)
{
    __atomic_store_n(&bucket->pending, pending, __ATOMIC_RELEASE);
}

static long insert(struct graft_map *map, struct graft_bucket *bucket, const char *key, uint32_t code, const void *value)
{
    struct graft_hash *hash = header(map);
    set_pending(bucket, GRAFT_PENDING_INSERT);
    uint32_t taken = 0;
    if (__atomic_fetch_add(&hash->count, 1, __ATOMIC_RELAXED) < hash->max_entries)
        taken = take(map, hash);
    if (!taken) {
        __atomic_fetch_sub(&hash->count, 1, __ATOMIC_RELAXED);
        set_pending(bucket, 0);
        return -E2BIG;
    }
    set_pending(bucket, GRAFT_PENDING_INSERT | taken);
    fill(map, taken - 1, key, code, value);
    __atomic_store_n(&element(map, hash, taken - 1)->next, bucket->head, __ATOMIC_RELAXED);
    __atomic_store_n(&bucket->head, taken - 1, __ATOMIC_RELEASE);
    set_pending(bucket, 0);
    return 0;
}

/* Values that one store cannot change move to a new element: a reader sees the old or the new one, never a mixture. */
static long replace(struct graft_map *map, struct graft_bucket *bucket, uint32_t old, const char *key, const void *value)
{
    struct graft_hash *hash = header(map);
    if (map->type == MAP_PERCPU_HASH || (map->value_size <= 8 && !(map->value_size & (map->value_size - 1)))) {
        graft_store_value(value_of(map, hash, old), value, map->value_size);
        return 0;
    }
    uint32_t taken = take(map, hash);
    if (!taken) {
        __atomic_fetch_add(&hash->spare_empty, 1, __ATOMIC_RELAXED);
        return -EBUSY;
    }
    set_pending(bucket, GRAFT_PENDING_REPLACE | taken);
    uint32_t code = element(map, hash, old)->hash;
    fill(map, taken - 1, key, code, value);
    __atomic_store_n(&element(map, hash, taken - 1)->next, bucket->head, __ATOMIC_RELAXED);
    __atomic_store_n(&bucket->head, taken - 1, __ATOMIC_RELEASE);
    uint32_t *link;
    find(map, &element(map, hash, taken - 1)->next, key, code, &link);
    __atomic_store_n(link, element(map, hash, old)->next, __ATOMIC_RELEASE);
    set_pending(bucket, 0);
    give_back(map, hash, old);
    return 0;
}

long graft_hash_update(struct graft_map *map, const void *key, const void *value, uint64_t flags)
{
    struct graft_hash *hash = header(map);
    if (flags > BPF_EXIST)
        return -EINVAL;
    uint32_t code = hash_of(hash, key, map->key_size);
    struct graft_bucket *bucket = bucket_at(hash, code & hash->bucket_mask);
    long result = graft_lock(&bucket->lock, &hash->lock_busy, &hash->lock_reentered, 0);
    if (result)
        return result;
    uint32_t *link;
    uint32_t index = find(map, &bucket->head, key, code, &link);
    if (index < hash->capacity)
        result = flags == BPF_NOEXIST ? -EEXIST : replace(map, bucket, index, key, value);
    else
        result = flags == BPF_EXIST ? -ENOENT : insert(map, bucket, key, code, value);
    graft_unlock(&bucket->lock);
    return result;
}

long graft_hash_delete(struct graft_map *map, const void *key)
{
    struct graft_hash *hash = header(map);
    uint32_t code = hash_of(hash, key, map->key_size);
    struct graft_bucket *bucket = bucket_at(hash, code & hash->bucket_mask);
    long result = graft_lock(&bucket->lock, &hash->lock_busy, &hash->lock_reentered, 0);
    if (result)
        return result;
    uint32_t *link;
    uint32_t index = find(map, &bucket->head, key, code, &link);
    if (index < hash->capacity) {
        set_pending(bucket, GRAFT_PENDING_DELETE | (index + 1));
        __atomic_store_n(link, element(map, hash, index)->next, __ATOMIC_RELEASE);
        __atomic_fetch_sub(&hash->count, 1, __ATOMIC_RELAXED);
        set_pending(bucket, 0);
        give_back(map, hash, index);
    } else {
        result = -ENOENT;
    }
    graft_unlock(&bucket->lock);
    return result;
}

/*
 * As in the kernel, elements may come and go meanwhile, and the callback may delete them: where to go on is read before
 * the call, and a chain whose next element was freed since ends there.
 */
long graft_hash_for_each(struct graft_map *map, graft_callback callback, uint64_t context)
{
    struct graft_hash *hash = header(map);
    long called = 0;
    for (uint32_t bucket = 0; bucket <= hash->bucket_mask; bucket++) {
        uint32_t index = __atomic_load_n(&bucket_at(hash, bucket)->head, __ATOMIC_ACQUIRE);
        for (uint32_t steps = 0; index < hash->capacity && steps < hash->capacity; steps++) {
            struct graft_element *e = element(map, hash, index);
            uint32_t next = __atomic_load_n(&e->next, __ATOMIC_ACQUIRE);
            if ((next & FREE_MARK) == FREE_MARK)
                break;
            called++;
            if (callback(map, key_of(e), value_of(map, hash, index), context))
                return called;
            index = next;
        }
    }
    return called;
}
