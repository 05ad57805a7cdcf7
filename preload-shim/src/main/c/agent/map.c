/* The map helpers: arrays, and the way to hash maps and to maps in maps. Runs in the target, anywhere (see runtime.h). Takes no lock. */
#include "runtime.h"

INLINE void *array_value(struct graft_map *map, uint32_t index, uint32_t cpu)
{
    if (index >= map->max_entries)
        return 0;
    return (void *)(graft_data(map) + (uint64_t)cpu * map->cpu_stride + (uint64_t)index * map->stride);
}

static void *array_lookup(struct graft_map *map, uint32_t index)
{
    return array_value(map, index, map->type == MAP_PERCPU_ARRAY ? graft_cpu() : 0);
}

static long array_update(struct graft_map *map, uint32_t index, const void *value, uint64_t flags)
{
    if ((flags & ~(uint64_t)BPF_F_LOCK) > BPF_EXIST)
        return -EINVAL;
    void *to = array_lookup(map, index);
    if (!to)
        return -E2BIG;
    if (flags & BPF_NOEXIST)
        return -EEXIST;
    if (flags & BPF_F_LOCK) {
        if (!map->lock)
            return -EINVAL;
        graft_spin_lock(graft_lock_of(map, to));
        graft_copy_around_fields(map, to, value);
        graft_spin_unlock(graft_lock_of(map, to));
    } else {
        graft_set_value(map, to, value);
    }
    graft_end_timer(map, to);
    return 0;
}

/* The map in a map of maps. Its number is stored last, when its descriptor and its memory are complete. */
static void *inner_map(struct graft_map *map, const uint32_t *value)
{
    uint32_t number = value ? __atomic_load_n(value, __ATOMIC_ACQUIRE) : 0;
    if (number - 1 >= map->cpus)
        return 0;
    return (struct graft_map *)(graft_base(map) + map->inner_or_timer) + (number - 1);
}

EXPORT void *graft_helper_map_lookup_elem(struct graft_map *map, const void *key)
{
    switch (map->type) {
    case MAP_ARRAY:
    case MAP_PERCPU_ARRAY: return array_lookup(map, *(const uint32_t *)key);
    case MAP_HASH:
    case MAP_PERCPU_HASH:
    case MAP_LRU_HASH:
    case MAP_LRU_PERCPU_HASH: return graft_hash_lookup(map, key);
    case MAP_LPM_TRIE: return graft_trie_lookup(map, key);
    case MAP_ARRAY_OF_MAPS: return inner_map(map, array_lookup(map, *(const uint32_t *)key));
    case MAP_HASH_OF_MAPS: return inner_map(map, graft_hash_lookup(map, key));
    default: return 0;
    }
}

EXPORT void *graft_helper_map_lookup_percpu_elem(struct graft_map *map, const void *key, uint32_t cpu)
{
    if (cpu >= graft_config()->cpus)
        return 0;
    switch (map->type) {
    case MAP_PERCPU_ARRAY: return array_value(map, *(const uint32_t *)key, cpu);
    case MAP_PERCPU_HASH:
    case MAP_LRU_PERCPU_HASH: return graft_hash_lookup_of(map, key, cpu);
    default: return 0;
    }
}

EXPORT long graft_helper_map_update_elem(struct graft_map *map, const void *key, const void *value, uint64_t flags)
{
    switch (map->type) {
    case MAP_ARRAY:
    case MAP_PERCPU_ARRAY: return array_update(map, *(const uint32_t *)key, value, flags);
    case MAP_HASH:
    case MAP_PERCPU_HASH:
    case MAP_LRU_HASH:
    case MAP_LRU_PERCPU_HASH: return graft_hash_update(map, key, value, flags);
    case MAP_LPM_TRIE: return graft_trie_update(map, key, value, flags);
    default: return -EINVAL;
    }
}

EXPORT long graft_helper_map_delete_elem(struct graft_map *map, const void *key)
{
    switch (map->type) {
    case MAP_HASH:
    case MAP_PERCPU_HASH:
    case MAP_LRU_HASH:
    case MAP_LRU_PERCPU_HASH: return graft_hash_delete(map, key);
    case MAP_LPM_TRIE: return graft_trie_delete(map, key);
    default: return -EINVAL;
    }
}

static long array_for_each(struct graft_map *map, graft_callback callback, uint64_t context)
{
    for (uint32_t index = 0; index < map->max_entries; index++) {
        uint32_t key = index;
        if (callback(map, &key, array_lookup(map, index), context))
            return (long)index + 1;
    }
    return map->max_entries;
}

EXPORT long graft_helper_for_each_map_elem(
    struct graft_map *map, graft_callback callback, uint64_t context, uint64_t flags)
{
    if (flags)
        return -EINVAL;
    switch (map->type) {
    case MAP_ARRAY:
    case MAP_PERCPU_ARRAY: return array_for_each(map, callback, context);
    case MAP_HASH:
    case MAP_PERCPU_HASH:
    case MAP_LRU_HASH:
    case MAP_LRU_PERCPU_HASH: return graft_hash_for_each(map, callback, context);
    default: return -EINVAL;
    }
}
