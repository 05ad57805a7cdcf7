/* See agent-work.h: producers of a perf event array. */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>

#include "agent-work.h"

enum { MAP_PERF_EVENT_ARRAY = 4, WORDS_MAX = 40 };

#define CURRENT_CPU 0xffffffffull

long graft_helper_perf_event_output(
    const void *context, struct graft_map *map, uint64_t flags, const void *data, uint64_t size);

void open_perf(const char *file, uint32_t entries)
{
    struct graft_map *map = graft_descriptors();
    struct graft_perf *array = map_file(file);
    map->type = MAP_PERF_EVENT_ARRAY;
    map->cpus = array->cpus;
    map->max_entries = entries;
    map->stride = (uint32_t)array->data_size;
    map->cpu_stride = (uint32_t)(array->data_size + sizeof(struct graft_perf_page));
    map->base = (uint64_t)array;
    map->data = (uint64_t)array + GRAFT_PERF_PAGES_OFFSET;
    graft_config()->cpus = array->cpus;
}

/* As many words as the number says, all of them the number. */
static long output(uint64_t number)
{
    uint64_t record[WORDS_MAX], words = 1 + number % WORDS_MAX;
    for (uint64_t i = 0; i < words; i++)
        record[i] = number;
    return graft_helper_perf_event_output(0, graft_descriptors(), CURRENT_CPU, record, words * sizeof(*record));
}

void perf_work(struct notes *notes, long worker)
{
    while (!stopped()) {
        begin(notes);
        long refused = output(number_of(worker, notes->begun - 1));
        end(refused ? &notes->refused : &notes->done);
        if (refused)
            sched_yield();
    }
}

/* One record of so many bytes; the helper's result. */
long output_once(long flags, long size)
{
    static char bytes[1 << 17];
    memset(bytes, (char)size, sizeof(bytes));
    return graft_helper_perf_event_output(0, graft_descriptors(), (uint64_t)flags, bytes, (uint64_t)size);
}

long output_everywhere(void)
{
    long failed = 0;
    cpu_set_t before;
    sched_getaffinity(0, sizeof(before), &before);
    for (uint32_t cpu = 0; cpu < graft_config()->cpus; cpu++) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (sched_setaffinity(0, sizeof(one), &one))
            continue;
        uint32_t other = (cpu + 1) % graft_config()->cpus;
        failed += output(0) != 0;
        failed += other != cpu && output_once(other, 8) != -EOPNOTSUPP;
    }
    sched_setaffinity(0, sizeof(before), &before);
    return failed;
}
