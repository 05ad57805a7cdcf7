/*
 * Changes of hash maps. Runs in the target, anywhere (see runtime.h). Changes hold their bucket's lock.
 * Ordering rules: an element is complete before the release store that links it; `pending` is written before the change
 * it describes and cleared before an element goes back to the free list, so that a death in between can lose an element
 * but never hand it out twice.
 *
 * Most maps see the same keys come and go. A bucket therefore keeps the element that was taken out of it, for the next
 * one that goes in: neither touches the free list and the count, which all buckets and processors share. `count` counts
 * kept elements too. When it says that the map is full, they are collected; the last eighth of a map keeps none, so
 * that this is rare.
 */
#include "hash.h"

INLINE void set_pending(struct graft_bucket *bucket, uint32_t pending)
{
    __atomic_store_n(&bucket->pending, pending, __ATOMIC_RELEASE);
}

/* The element + 1 that the bucket keeps, or 0. Its lock is held. */
INLINE uint32_t kept_by(struct graft_hash *hash, struct graft_bucket *bucket)
{
    uint32_t pending = __atomic_load_n(&bucket->pending, __ATOMIC_RELAXED);
    return pending <= hash->capacity ? pending : 0;
}

INLINE int may_keep(struct graft_hash *hash)
{
    return __atomic_load_n(&hash->count, __ATOMIC_RELAXED) + hash->max_entries / 8 < hash->max_entries;
}

INLINE void keep(struct graft_hash *hash, struct graft_bucket *bucket, uint32_t kept)
{
    if (!__atomic_load_n(&hash->keeping, __ATOMIC_RELAXED))
        __atomic_store_n(&hash->keeping, 1, __ATOMIC_RELAXED);
    set_pending(bucket, kept);
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

/* Gives back what buckets keep. The caller holds a bucket's lock, so it waits for none. */
static void collect(struct graft_map *map, struct graft_hash *hash)
{
    uint64_t me = graft_owner();
    __atomic_store_n(&hash->keeping, 0, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i <= hash->bucket_mask; i++) {
        struct graft_bucket *bucket = bucket_at(hash, i);
        if (!kept_by(hash, bucket) || !graft_try_lock(&bucket->lock, me))
            continue;
        uint32_t kept = kept_by(hash, bucket);
        if (kept) {
            set_pending(bucket, 0);
            __atomic_fetch_sub(&hash->count, 1, __ATOMIC_RELAXED);
            give_back(map, hash, kept - 1);
        }
        graft_unlock(&bucket->lock);
    }
}

static uint32_t take_counted(struct graft_map *map, struct graft_hash *hash)
{
    uint32_t taken = 0;
    if (__atomic_fetch_add(&hash->count, 1, __ATOMIC_RELAXED) < hash->max_entries)
        taken = take(map, hash);
    if (!taken)
        __atomic_fetch_sub(&hash->count, 1, __ATOMIC_RELAXED);
    return taken;
}

INLINE void fill(
    struct graft_map *map, uint32_t index, const char *key, uint32_t size, uint32_t code, const void *value)
{
    struct graft_hash *hash = header(map);
    struct graft_element *e = element(map, hash, index);
    __atomic_store_n(&e->hash, code, __ATOMIC_RELAXED);
    graft_copy(key_of(e), key, size);
    if (map->type == MAP_PERCPU_HASH)
        for (uint32_t cpu = 0; cpu < hash->cpus; cpu++)
            graft_zero((char *)hash + hash->values_offset + (uint64_t)cpu * hash->cpu_stride
                           + (uint64_t)index * hash->stride, hash->stride);
    graft_copy(value_of(map, hash, index), value, map->value_size);
}

INLINE void link_first(struct graft_map *map, struct graft_bucket *bucket, uint32_t index)
{
    __atomic_store_n(&element(map, header(map), index)->next, bucket->head, __ATOMIC_RELAXED);
    __atomic_store_n(&bucket->head, index, __ATOMIC_RELEASE);
}

INLINE long insert(struct graft_map *map, struct graft_bucket *bucket, const char *key, uint32_t size, uint32_t code,
    const void *value)
{
    struct graft_hash *hash = header(map);
    uint32_t taken = kept_by(hash, bucket);
    if (!taken) {
        set_pending(bucket, GRAFT_PENDING_INSERT);
        taken = take_counted(map, hash);
        if (!taken && __atomic_load_n(&hash->keeping, __ATOMIC_RELAXED)) {
            collect(map, hash);
            taken = take_counted(map, hash);
        }
        if (!taken) {
            set_pending(bucket, 0);
            return -E2BIG;
        }
    }
    set_pending(bucket, GRAFT_PENDING_INSERT | taken);
    fill(map, taken - 1, key, size, code, value);
    link_first(map, bucket, taken - 1);
    set_pending(bucket, 0);
    return 0;
}

INLINE int fits_one_store(uint32_t size) { return size <= 8 && !(size & (size - 1)); }

/* Values that one store cannot change move to a new element: a reader sees the old or the new one, never a mixture. */
INLINE long replace(struct graft_map *map, struct graft_bucket *bucket, uint32_t old, const char *key, uint32_t size,
    uint32_t code, const void *value)
{
    struct graft_hash *hash = header(map);
    if (map->type == MAP_PERCPU_HASH || fits_one_store(map->value_size)) {
        graft_store_value(value_of(map, hash, old), value, map->value_size);
        return 0;
    }
    uint32_t kept = kept_by(hash, bucket);
    uint32_t taken = kept ? kept : take(map, hash);
    if (!taken) {
        __atomic_fetch_add(&hash->spare_empty, 1, __ATOMIC_RELAXED);
        return -EBUSY;
    }
    set_pending(bucket, GRAFT_PENDING_REPLACE | taken);
    fill(map, taken - 1, key, size, code, value);
    link_first(map, bucket, taken - 1);
    uint32_t *link;
    find(map, &element(map, hash, taken - 1)->next, key, size, code, &link);
    __atomic_store_n(link, element(map, hash, old)->next, __ATOMIC_RELEASE);
    if (!kept && may_keep(hash)) {
        __atomic_fetch_add(&hash->count, 1, __ATOMIC_RELAXED);
        kept = taken;
    }
    if (kept) {
        keep(hash, bucket, old + 1);
    } else {
        set_pending(bucket, 0);
        give_back(map, hash, old);
    }
    return 0;
}

INLINE long update(struct graft_map *map, const char *key, uint32_t size, const void *value, uint64_t flags)
{
    struct graft_hash *hash = header(map);
    if (flags > BPF_EXIST)
        return -EINVAL;
    uint32_t code = hash_of(hash, key, size);
    struct graft_bucket *bucket = bucket_at(hash, code & hash->bucket_mask);
    long result = graft_lock(&bucket->lock, &hash->lock_busy, &hash->lock_reentered, 0);
    if (result)
        return result;
    uint32_t *link;
    uint32_t index = find(map, &bucket->head, key, size, code, &link);
    if (index < hash->capacity)
        result = flags == BPF_NOEXIST ? -EEXIST : replace(map, bucket, index, key, size, code, value);
    else
        result = flags == BPF_EXIST ? -ENOENT : insert(map, bucket, key, size, code, value);
    graft_unlock(&bucket->lock);
    return result;
}

static void unlink(struct graft_map *map, struct graft_bucket *bucket, uint32_t *link, uint32_t index)
{
    struct graft_hash *hash = header(map);
    uint32_t kept = kept_by(hash, bucket);
    set_pending(bucket, GRAFT_PENDING_DELETE | (index + 1));
    __atomic_store_n(link, element(map, hash, index)->next, __ATOMIC_RELEASE);
    if (!kept && may_keep(hash)) {
        keep(hash, bucket, index + 1);
        return;
    }
    __atomic_fetch_sub(&hash->count, 1, __ATOMIC_RELAXED);
    set_pending(bucket, kept);
    give_back(map, hash, index);
}

INLINE long delete(struct graft_map *map, const char *key, uint32_t size)
{
    struct graft_hash *hash = header(map);
    uint32_t code = hash_of(hash, key, size);
    struct graft_bucket *bucket = bucket_at(hash, code & hash->bucket_mask);
    long result = graft_lock(&bucket->lock, &hash->lock_busy, &hash->lock_reentered, 0);
    if (result)
        return result;
    uint32_t *link;
    uint32_t index = find(map, &bucket->head, key, size, code, &link);
    if (index < hash->capacity)
        unlink(map, bucket, link, index);
    else
        result = -ENOENT;
    graft_unlock(&bucket->lock);
    return result;
}

long graft_hash_update(struct graft_map *map, const void *key, const void *value, uint64_t flags)
{
    switch (map->key_size) {
    case 4: return update(map, key, 4, value, flags);
    case 8: return update(map, key, 8, value, flags);
    default: return update(map, key, map->key_size, value, flags);
    }
}

long graft_hash_delete(struct graft_map *map, const void *key)
{
    switch (map->key_size) {
    case 4: return delete(map, key, 4);
    case 8: return delete(map, key, 8);
    default: return delete(map, key, map->key_size);
    }
}
