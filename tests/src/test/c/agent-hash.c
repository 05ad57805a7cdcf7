/* The agent's hash maps against a model, and in a hurry (see agent-host.c). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent-hash.h"

void *graft_helper_map_lookup_elem(struct graft_map *map, const void *key);
long graft_helper_map_update_elem(struct graft_map *map, const void *key, const void *value, uint64_t flags);
long graft_helper_map_delete_elem(struct graft_map *map, const void *key);

enum { MAX_KEYS = 4096, MAX_BYTES = 256 };

static struct graft_map *map;

static struct {
    int present;
    char value[MAX_BYTES];
} model[MAX_KEYS];

void open_hash(const char *file)
{
    int fd = open(file, O_RDWR | O_CLOEXEC);
    struct stat status;
    fstat(fd, &status);
    struct graft_hash *hash = mmap(0, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    map = graft_descriptors() + 1;
    map->type = hash->type;
    map->key_size = hash->key_size;
    map->value_size = hash->value_size;
    map->max_entries = hash->max_entries;
    map->stride = hash->stride;
    map->cpu_stride = hash->cpu_stride;
    map->base = (uint64_t)hash;
    map->data = (uint64_t)hash + hash->elements_offset;
    graft_config()->cpus = hash->cpus ? hash->cpus : (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
}

static const char *key_of(long number)
{
    static char key[MAX_BYTES];
    memset(key, 0, sizeof(key));
    memcpy(key, &number, 4);
    key[map->key_size - 1] ^= (char)(number >> 8);
    return key;
}

static long expected(long key, uint64_t flags, long count)
{
    if (model[key].present)
        return flags == BPF_NOEXIST ? -EEXIST : 0;
    if (flags == BPF_EXIST)
        return -ENOENT;
    return count >= map->max_entries ? -E2BIG : 0;
}

static int update_differs(long key, long *count)
{
    char value[MAX_BYTES];
    uint64_t flags = (uint64_t)rand() % 3;
    for (int i = 0; i < MAX_BYTES; i++)
        value[i] = (char)rand();
    long result = expected(key, flags, *count);
    if (graft_helper_map_update_elem(map, key_of(key), value, flags) != result)
        return 1;
    if (result)
        return 0;
    *count += !model[key].present;
    model[key].present = 1;
    memcpy(model[key].value, value, sizeof(value));
    return 0;
}

static int delete_differs(long key, long *count)
{
    long result = model[key].present ? 0 : -ENOENT;
    *count -= model[key].present;
    model[key].present = 0;
    return graft_helper_map_delete_elem(map, key_of(key)) != result;
}

static int lookup_differs(long key)
{
    const char *value = graft_helper_map_lookup_elem(map, key_of(key));
    if (!value != !model[key].present)
        return 1;
    return value && memcmp(value, model[key].value, map->value_size);
}

long differ(unsigned seed, long operations, long keys)
{
    long count = 0;
    srand(seed);
    memset(model, 0, sizeof(model));
    for (long i = 1; i <= operations; i++) {
        /* Phases of growth and of decline, so that the map is full and nearly empty now and then. */
        int grows = i / (keys * 8) % 2 == 0, choice = rand() % 8;
        long key = rand() % keys;
        int differs = choice < 2 ? lookup_differs(key)
                      : choice < (grows ? 7 : 4) ? update_differs(key, &count) : delete_differs(key, &count);
        if (differs)
            return i;
    }
    for (long key = 0; key < keys; key++)
        if (lookup_differs(key))
            return operations + key + 1;
    return 0;
}

/* A lock whose owner was taken off its CPU is not waited for long. */
static long patiently(long key, const char *value, uint64_t flags)
{
    long result;
    do
        result = value ? graft_helper_map_update_elem(map, key_of(key), value, flags)
                       : graft_helper_map_delete_elem(map, key_of(key));
    while (result == -EBUSY);
    return result;
}

long churn(long from, long keys, long rounds)
{
    char value[MAX_BYTES] = {0};
    long wrong = 0;
    for (long round = 0; round < rounds || !rounds; round++) {
        for (long key = from; key < from + keys; key++)
            wrong += patiently(key, value, BPF_NOEXIST) != 0;
        for (long key = from; key < from + keys; key += 3)
            wrong += patiently(key, value, BPF_EXIST) != 0;
        for (long key = from; key < from + keys; key++)
            wrong += patiently(key, 0, 0) != 0;
    }
    return wrong;
}

long fill(long from, long keys)
{
    char value[MAX_BYTES] = {0};
    long wrong = 0;
    for (long key = from; key < from + keys; key++)
        wrong += patiently(key, value, BPF_NOEXIST) != 0;
    return wrong;
}

/* The same, where a lock that is not free in time is not tried again. */
long fill_once(long from, long keys)
{
    char value[MAX_BYTES] = {0};
    long wrong = 0;
    for (long key = from; key < from + keys; key++)
        wrong += graft_helper_map_update_elem(map, key_of(key), value, BPF_NOEXIST) != 0;
    return wrong;
}

/* One key after the other comes and goes. */
long pass(long from, long keys)
{
    char value[MAX_BYTES] = {0};
    long wrong = 0;
    for (long key = from; key < from + keys; key++)
        wrong += patiently(key, value, BPF_NOEXIST) != 0 || patiently(key, 0, 0) != 0;
    return wrong;
}

/*
 * Every key is looked up before a quarter of the map has come in from here: two of these side by side bring half of it in
 * meanwhile, so that the hand cannot come round to a key twice.
 */
long flood(long hot, long from, long keys)
{
    char value[MAX_BYTES] = {0};
    long wrong = 0, step = map->max_entries / 4 / hot;
    for (long key = 0; key < hot; key++)
        wrong += patiently(key, value, BPF_ANY) != 0 || !graft_helper_map_lookup_elem(map, key_of(key));
    for (long i = 0; i < keys || !keys; i++) {
        wrong += patiently(from + i, value, BPF_NOEXIST) != 0;
        long looked_up = i / (step ? step : 1) % hot;
        if (i % (step ? step : 1) == 0 && !graft_helper_map_lookup_elem(map, key_of(looked_up))) {
            wrong++;
            patiently(looked_up, value, BPF_ANY);
        }
    }
    return wrong;
}
