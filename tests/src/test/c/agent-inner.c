/* A map of maps, and work on whatever map is in it at the moment (see agent-work.h). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent-work.h"

enum { HOLDER_KEYS = 4, INNER_KEYS = 8 };

static struct graft_map *holder(void) { return graft_descriptors() + 2; }

struct graft_map *held(void)
{
    uint32_t first = 0;
    return holder()->type ? graft_helper_map_lookup_elem(holder(), &first) : 0;
}

void open_holder(const char *file, long read_only, const char *descriptor)
{
    struct graft_map *map = holder();
    struct stat status;
    int fd = open(file, O_RDWR | O_CLOEXEC);
    fstat(fd, &status);
    char *memory = mmap(0, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    mprotect(memory, (size_t)read_only, PROT_READ);
    close(fd);
    for (size_t i = 0; i < sizeof(*map); i++)
        sscanf(descriptor + 2 * i, "%2hhx", (unsigned char *)map + i);
    map->base += (uint64_t)memory;
    map->data += (uint64_t)memory;
    graft_config()->cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
}

/* Adds 1 to a number of the map that a key has now; refused when it has none. */
void inner_work(struct notes *notes, unsigned *state)
{
    while (!stopped()) {
        uint32_t key = (uint32_t)rand_r(state) % HOLDER_KEYS, index = (uint32_t)rand_r(state) % INNER_KEYS;
        struct graft_map *map = graft_helper_map_lookup_elem(holder(), &key);
        uint64_t *number = map ? graft_helper_map_lookup_elem(map, &index) : 0;
        notes->wrong += map && (!number || map->max_entries != INNER_KEYS);
        notes->refused += !map;
        if (number) {
            __atomic_fetch_add(number, 1, __ATOMIC_RELAXED);
            notes->done++;
        }
    }
}
