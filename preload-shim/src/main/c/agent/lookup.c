/* Lookups in hash maps. Runs in the target, anywhere (see runtime.h). Takes no lock. */
#include "hash.h"

#define RESTARTS 100
#define ABSENT 0xffffffffu

/* The element with the key, or one that there is not. */
INLINE uint32_t lookup(struct graft_map *map, const char *key, uint32_t size)
{
    struct graft_hash *hash = header(map);
    uint32_t code = hash_of(hash, key, size);
    uint32_t bucket = code & hash->bucket_mask;
    for (int restarts = 0; restarts < RESTARTS; restarts++) {
        uint32_t *link;
        uint32_t index = find(map, &bucket_at(hash, bucket)->head, key, size, code, &link);
        if (index < hash->capacity) {
            if (is_lru(map))
                mark_used(map, hash, index);
            return index;
        }
        if (index == (GRAFT_HASH_END | bucket))
            break;
    }
    return ABSENT;
}

INLINE void *lookup_value(struct graft_map *map, const char *key, uint32_t size)
{
    uint32_t index = lookup(map, key, size);
    return index == ABSENT ? 0 : value_of(map, header(map), index);
}

void *graft_hash_lookup(struct graft_map *map, const void *key)
{
    switch (map->key_size) {
    case 4: return lookup_value(map, key, 4);
    case 8: return lookup_value(map, key, 8);
    default: return lookup_value(map, key, map->key_size);
    }
}

/* In a map with a value for each CPU. */
void *graft_hash_lookup_of(struct graft_map *map, const void *key, uint32_t cpu)
{
    uint32_t index = lookup(map, key, map->key_size);
    return index == ABSENT ? 0 : value_on(map, header(map), index, cpu);
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
