/* See agent-work.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent-hash.h"
#include "agent-work.h"

enum { OWN_KEYS = 64, RECORD_WORDS = 12, WORKERS_MAX = 8, MAP_STACK_TRACE = 7 };

static char *all_notes;
static __thread unsigned random_state;

struct notes *notes_of(long worker) { return (void *)(all_notes + (size_t)worker * sizeof(uint64_t) * (NOTES_LOG + 5)); }

int stopped(void) { return __atomic_load_n(&notes_of(0)->begun, __ATOMIC_ACQUIRE) != 0; }

void *map_file(const char *file)
{
    struct stat status;
    int fd = open(file, O_RDWR | O_CLOEXEC);
    fstat(fd, &status);
    void *memory = mmap(0, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return memory;
}

void open_notes(const char *file) { all_notes = map_file(file); }

struct graft_map *opened(void)
{
    struct graft_map *inner = held();
    return inner ? inner : graft_descriptors() + 1;
}

/* Everything but a hash, a ring and an array begins with its type and sizes as well. */
void open_map(const char *file)
{
    struct graft_map *map = opened();
    const uint32_t *header = map_file(file);
    map->type = header[1];
    map->base = (uint64_t)header;
    map->data = (uint64_t)header + 0x1000;
    if (map->type == MAP_LPM_TRIE) {
        const struct graft_trie *trie = (const void *)header;
        map->key_size = trie->key_size;
        map->value_size = trie->value_size;
        map->max_entries = trie->max_entries;
    } else if (map->type == MAP_QUEUE || map->type == MAP_VALUE_STACK) {
        const struct graft_queue *queue = (const void *)header;
        map->value_size = queue->value_size;
        map->max_entries = queue->max_entries;
        map->stride = queue->stride;
    } else if (map->type == MAP_BLOOM_FILTER) {
        map->value_size = ((const struct graft_bloom *)header)->value_size;
    } else if (map->type == MAP_STACK_TRACE) {
        const struct graft_traces *traces = (const void *)header;
        map->value_size = traces->value_size;
        map->max_entries = traces->max_entries;
        map->data = (uint64_t)header + traces->traces_offset;
    } else {
        munmap((void *)header, 0x1000);
        open_hash(file);
    }
}

void open_array(const char *file, uint32_t entries)
{
    struct graft_map *map = opened();
    map->type = MAP_ARRAY;
    map->key_size = 4;
    map->value_size = map->stride = 8;
    map->max_entries = entries;
    map->data = (uint64_t)map_file(file);
}

static void push_one(struct notes *notes, long worker)
{
    struct numbered value = numbered(number_of(worker, notes->done));
    long result;
    begin(notes);
    do
        result = graft_helper_map_push_elem(opened(), &value, BPF_ANY);
    while (result == -EBUSY && !stopped());
    if (!result)
        end(&notes->done);
    else
        end(&notes->refused);
}

static void pop_one(struct notes *notes)
{
    struct numbered value;
    long result;
    do
        result = graft_helper_map_pop_elem(opened(), &value);
    while (result == -EBUSY && !stopped());
    if (result)
        return;
    notes->log[notes->logged] = is_whole(&value) ? value.number : (uint64_t)TORN;
    end(&notes->logged);
}

/* A value has its number until it is in. */
static void queue_work(struct notes *notes, long worker)
{
    while (!stopped())
        if (notes->logged == NOTES_LOG)
            usleep(1000);
        else if (rand_r(&random_state) % 2)
            push_one(notes, worker);
        else
            pop_one(notes);
}

static void bloom_work(struct notes *notes, long worker)
{
    while (!stopped()) {
        struct numbered value = numbered(number_of(worker, notes->done));
        begin(notes);
        graft_helper_map_push_elem(opened(), &value, BPF_ANY);
        end(&notes->done);
        notes->wrong += graft_helper_map_peek_elem(opened(), &value) != 0;
    }
}

static void ring_work(struct notes *notes, long worker)
{
    struct graft_map *ring = graft_descriptors();
    while (!stopped()) {
        uint64_t record[RECORD_WORDS], size = sizeof(record);
        for (int i = 0; i < RECORD_WORDS; i++)
            record[i] = number_of(worker, notes->begun);
        begin(notes);
        uint64_t *sample = 0;
        long failed = notes->begun % 2 ? graft_helper_ringbuf_output(ring, record, size, 0) : 0;
        if (notes->begun % 2 == 0) {
            sample = graft_helper_ringbuf_reserve(ring, size, 0);
            failed = !sample;
        }
        if (sample) {
            memcpy(sample, record, size);
            graft_helper_ringbuf_submit(sample, 0);
        }
        end(failed ? &notes->refused : &notes->done);
    }
}

/* A worker's own keys, in a hash or in a trie: nobody else changes them, so each result is known. */
struct own {
    int present;
    uint64_t number;
};

struct prefix {
    uint32_t bits;
    uint8_t bytes[4];
};

/* In a trie: below the worker's byte one inside the other, of all lengths from 9 to 32, and others of full length. */
static uint64_t own_key(struct graft_map *map, long worker, int index)
{
    uint64_t key = number_of(worker, (uint64_t)index);
    if (map->type == MAP_LPM_TRIE) {
        struct prefix prefix = {(uint32_t)(index < 24 ? 32 - index : 32), {(uint8_t)(worker * 37), 0, 0, 0}};
        uint32_t bits = (uint32_t)(index < 24 ? 0 : index) * 0x9e3779b1u;
        for (int i = 1; i < 4; i++) {
            int kept = (int)prefix.bits - 8 * i;
            uint8_t mask = (uint8_t)(kept >= 8 ? 0xff : kept <= 0 ? 0 : 0xff << (8 - kept));
            prefix.bytes[i] = (uint8_t)(bits >> (8 * i)) & mask;
        }
        memcpy(&key, &prefix, sizeof(key));
    }
    return key;
}

static long change(struct graft_map *map, uint64_t key, const struct numbered *value, uint64_t flags)
{
    long result;
    do
        result = value ? graft_helper_map_update_elem(map, &key, value, flags) : graft_helper_map_delete_elem(map, &key);
    while (result == -EBUSY && !stopped());
    return result;
}

static long expected(const struct own *own, int deletes, uint64_t flags)
{
    if (own->present)
        return !deletes && flags == BPF_NOEXIST ? -EEXIST : 0;
    return deletes || flags == BPF_EXIST ? -ENOENT : 0;
}

/* Whether the value is the key's last. In a trie, an absent key finds a shorter prefix: of the worker's own, if any. */
static int is_right(struct graft_map *map, long worker, uint64_t key, const struct own *own)
{
    const struct numbered *value = graft_helper_map_lookup_elem(map, &key);
    if (own->present)
        return value && value->number == own->number && is_whole(value);
    return !value || (map->type == MAP_LPM_TRIE && is_whole(value) && (long)(value->number >> WORKER_SHIFT) == worker);
}

static void change_one(struct notes *notes, long worker, struct own *own, int index)
{
    struct graft_map *map = opened();
    struct numbered value = numbered(number_of(worker, notes->begun));
    uint64_t key = own_key(map, worker, index), flags = (uint64_t)rand_r(&random_state) % 3;
    int deletes = rand_r(&random_state) % 3 == 0;
    begin(notes);
    long result = change(map, key, deletes ? 0 : &value, flags);
    if (result == -EBUSY)
        return;
    notes->wrong += result != expected(own, deletes, flags);
    if (!result) {
        own->present = !deletes;
        own->number = value.number;
    }
    end(&notes->done);
}

static void keys_work(struct notes *notes, long worker)
{
    static __thread struct own own[OWN_KEYS];
    memset(own, 0, sizeof(own));
    while (!stopped()) {
        int index = (int)((unsigned)rand_r(&random_state) % OWN_KEYS);
        if (rand_r(&random_state) % 4)
            change_one(notes, worker, own + index, index);
        else
            notes->wrong += !is_right(opened(), worker, own_key(opened(), worker, index), own + index);
    }
    for (int index = 0; index < OWN_KEYS; index++)
        notes->wrong += !is_right(opened(), worker, own_key(opened(), worker, index), own + index);
}

const char *work(const char *name, long worker)
{
    struct notes *notes = notes_of(worker);
    random_state = (unsigned)worker * 7919u + (unsigned)getpid();
    if (!strcmp(name, "queue"))
        queue_work(notes, worker);
    else if (!strcmp(name, "bloom"))
        bloom_work(notes, worker);
    else if (!strcmp(name, "perf"))
        perf_work(notes, worker);
    else if (!strcmp(name, "ring"))
        ring_work(notes, worker);
    else if (!strcmp(name, "keys"))
        keys_work(notes, worker);
    else if (!strcmp(name, "race"))
        race_work(notes, worker, &random_state);
    else if (!strcmp(name, "sum"))
        sum_work(notes, &random_state);
    else if (!strcmp(name, "inner"))
        inner_work(notes, &random_state);
    else if (!strcmp(name, "exchange"))
        exchange_work(notes, worker, &random_state);
    else if (!strcmp(name, "traces"))
        trace_work(notes, worker, &random_state);
    else
        return "what?";
    return "ok";
}

struct worker {
    pthread_t thread;
    const char *name;
    long number;
};

static void *start(void *context)
{
    struct worker *worker = context;
    return (void *)work(worker->name, worker->number);
}

const char *team(const char *name, long first, long count)
{
    struct worker workers[WORKERS_MAX];
    if (count > WORKERS_MAX)
        return "too many";
    for (long i = 0; i < count; i++) {
        workers[i] = (struct worker){.name = name, .number = first + i};
        pthread_create(&workers[i].thread, 0, start, workers + i);
    }
    for (long i = 0; i < count; i++)
        pthread_join(workers[i].thread, 0);
    return "ok";
}

int slay(long micros, void (*command)(char *line), char *line)
{
    static int *running;
    if (!running)
        running = mmap(0, sizeof(*running), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    __atomic_store_n(running, 0, __ATOMIC_RELEASE);
    pid_t child = fork();
    if (!child) {
        graft_config()->tgid = (uint32_t)getpid();
        __atomic_store_n(running, 1, __ATOMIC_RELEASE);
        command(line);
        _exit(0);
    }
    while (child > 0 && !__atomic_load_n(running, __ATOMIC_ACQUIRE))
        usleep(10);
    usleep((useconds_t)micros);
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    return child;
}
