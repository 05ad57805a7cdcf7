/*
 * What lookups in hash maps and changes of them share. Runs in the target, anywhere (see runtime.h). Everything here is
 * compiled once for each common size of keys: callers pass a constant.
 */
#ifndef GRAFT_HASH_H
#define GRAFT_HASH_H

#include "runtime.h"

#define FREE_MARK 0xc0000000u /* never equal to an end mark: buckets have 30 bits */

INLINE struct graft_hash *header(struct graft_map *map) { return (void *)graft_base(map); }

INLINE struct graft_element *element(struct graft_map *map, struct graft_hash *hash, uint32_t index)
{
    return (void *)(graft_data(map) + (uint64_t)index * hash->element_size);
}

INLINE struct graft_bucket *bucket_at(struct graft_hash *hash, uint32_t index)
{
    return (struct graft_bucket *)(hash + 1) + index;
}

INLINE char *key_of(struct graft_element *element) { return (char *)(element + 1); }

INLINE uint64_t mixed(uint64_t h, uint64_t word)
{
    h = (h ^ word) * GRAFT_HASH_FACTOR;
    return h ^ h >> 32;
}

INLINE uint64_t word_at(const char *bytes)
{
    uint64_t word;
    __builtin_memcpy(&word, bytes, 8);
    return word;
}

INLINE uint32_t half_at(const char *bytes)
{
    uint32_t half;
    __builtin_memcpy(&half, bytes, 4);
    return half;
}

/* Fewer than 8 bytes. */
INLINE uint64_t last_word(const char *key, uint32_t size)
{
    uint64_t word = 0;
    if (size == 4)
        return half_at(key);
    for (uint32_t i = 0; i < size; i++)
        word |= (uint64_t)(uint8_t)key[i] << 8 * i;
    return word;
}

INLINE uint32_t hash_of(struct graft_hash *hash, const char *key, uint32_t size)
{
    uint64_t h = hash->seed;
    for (; size >= 8; size -= 8, key += 8)
        h = mixed(h, word_at(key));
    return (uint32_t)(size ? mixed(h, last_word(key, size)) : h);
}

INLINE int same_key(const char *a, const char *b, uint32_t size)
{
    for (; size >= 8; size -= 8, a += 8, b += 8)
        if (word_at(a) != word_at(b))
            return 0;
    if (size == 4)
        return half_at(a) == half_at(b);
    for (; size; size--)
        if (*a++ != *b++)
            return 0;
    return 1;
}

/* A key that is compared in one step tells as much as its hash. */
INLINE int is_key(struct graft_element *e, const char *key, uint32_t size, uint32_t code)
{
    if (size != 4 && size != 8 && __atomic_load_n(&e->hash, __ATOMIC_RELAXED) != code)
        return 0;
    return same_key(key_of(e), key, size);
}

/* The element with the key, or the end mark or free mark that ended the chain. *at is what points there. */
INLINE uint32_t find(
    struct graft_map *map, uint32_t *link, const char *key, uint32_t size, uint32_t code, uint32_t **at)
{
    struct graft_hash *hash = header(map);
    uint32_t capacity = hash->capacity;
    uint64_t element_size = hash->element_size, data = graft_data(map);
    uint32_t index = __atomic_load_n(link, __ATOMIC_ACQUIRE);
    for (uint32_t steps = 0; index < capacity && steps < capacity; steps++) {
        struct graft_element *e = (void *)(data + index * element_size);
        if (is_key(e, key, size, code))
            break;
        link = &e->next;
        index = __atomic_load_n(link, __ATOMIC_ACQUIRE);
    }
    *at = link;
    return index;
}

INLINE int is_per_cpu(const struct graft_map *map)
{
    return map->type == MAP_PERCPU_HASH || map->type == MAP_LRU_PERCPU_HASH;
}

INLINE int is_lru(const struct graft_map *map) { return map->type == MAP_LRU_HASH || map->type == MAP_LRU_PERCPU_HASH; }

/* Whether an element of an LRU hash has been looked up since the hand last passed it. */
INLINE uint8_t *used_of(struct graft_map *map, struct graft_hash *hash, uint32_t index)
{
    return (uint8_t *)element(map, hash, index) + hash->used_offset;
}

/* Elements are used again and again: the line is written once. */
INLINE void mark_used(struct graft_map *map, struct graft_hash *hash, uint32_t index)
{
    uint8_t *used = used_of(map, hash, index);
    if (!__atomic_load_n(used, __ATOMIC_RELAXED))
        __atomic_store_n(used, 1, __ATOMIC_RELAXED);
}

/* The value that a program of a CPU sees. */
INLINE void *value_on(struct graft_map *map, struct graft_hash *hash, uint32_t index, uint32_t cpu)
{
    return (char *)hash + hash->values_offset + (uint64_t)cpu * map->cpu_stride + (uint64_t)index * map->stride;
}

/* The value that a program of this CPU sees. */
INLINE void *value_of(struct graft_map *map, struct graft_hash *hash, uint32_t index)
{
    if (is_per_cpu(map))
        return value_on(map, hash, index, graft_cpu());
    return (char *)element(map, hash, index) + hash->value_offset;
}

#endif
