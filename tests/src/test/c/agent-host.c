/*
 * The in-target agent as an ordinary program: its own sources are compiled with this file. Takes commands, a line each,
 * and answers each with one line.
 *
 *   ring FILE SIZE          maps the region of a ring buffer as a target does
 *   output N SIZE FLAGS     puts N records there; the first word of each is a running number, all other bytes its lowest
 *   reserve SIZE | submit FLAGS | discard FLAGS
 *   await-sleeper           until the reader has stored where it wants to be woken
 *   sleep-at POSITION       stores that in its place
 *   hold                    takes the lock and keeps it
 *   doorbell                how often the reader was rung for
 *   perf FILE N             maps the region of a perf event array of N elements
 *   output-once FLAGS SIZE  puts a record there; the helper's result
 *   output-everywhere       puts a record there on each processor; how many went wrong
 *   hash FILE               maps the region of a hash map
 *   differ SEED N KEYS      does N random operations on KEYS keys and on a model of the map; the first that differs, or 0
 *   flood HOT FROM KEYS     looks up the keys below HOT again and again while it inserts KEYS others from FROM on (0: for
 *                           ever); how many were refused, or of the HOT ones missing
 *   fill FROM KEYS          inserts KEYS keys from FROM on; how many went wrong
 *   fill-once FROM KEYS     the same; a lock that is not free in time is wrong too
 *   pass FROM KEYS          inserts and deletes KEYS keys from FROM on, one after the other; how many went wrong
 *   churn FROM KEYS N       inserts, replaces and deletes KEYS keys from FROM on, N times (0: for ever); how many went wrong
 *   map FILE | notes FILE   maps the region of another map, and where works note what they do
 *   work NAME W             as worker W until the notes say stop: queue, keys (hash, trie), bloom, ring or perf
 *   array FILE N            maps the region of an array of N numbers
 *   holder FILE N HEX       maps a map of maps with N bytes that are only read and a descriptor; `work` is then on the map
 *                           that is first in it, but for inner, which adds in those that are there at the moment
 *   team NAME W N           in N threads, workers W and up; also sum (with map or array), exchange and race
 *   slay MICROS COMMAND     does that in a process of its own and kills it; its process id
 *   spin take 1 | leave 1 | count N   the lock in the array's first value, or N additions under it; its word | taken-over
 *   unwind SEED N           walks N stacks that are random, by tables that lie; how many were more than a few calls deep, -1 when
 *                           one was not as it may be
 *   read HOW                reads good and bad addresses; HOW is transactions or system-calls
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent-hash.h"
#include "agent-work.h"

void *graft_helper_ringbuf_reserve(struct graft_map *map, uint64_t size, uint64_t flags);
void graft_helper_ringbuf_submit(void *sample, uint64_t flags);
void graft_helper_ringbuf_discard(void *sample, uint64_t flags);
long graft_helper_ringbuf_output(struct graft_map *map, const void *data, uint64_t size, uint64_t flags);
long graft_helper_probe_read_user(void *to, uint32_t size, uint64_t from);
long graft_helper_probe_read_user_str(void *to, uint32_t size, uint64_t from);

enum { PAGE = 4096, RECORD_MAX = 16384, SLEEPER_MILLIS = 20000, STORM = 20000 };

char *graft_test_runtime;
static struct graft_map *map;
static struct graft_ring *ring;
static void *reserved;
static uint64_t number;
static char single_threaded;

static char *mapped(int fd, off_t offset, size_t size, void *at)
{
    char *memory = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0), fd, offset);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

static void open_ring(const char *file, uint32_t size)
{
    int fd = open(file, O_RDWR | O_CLOEXEC);
    size_t head = GRAFT_RING_DATA_OFFSET + size;
    char *room = mmap(0, head + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mapped(fd, 0, head, room);
    mapped(fd, GRAFT_RING_DATA_OFFSET, size, room + head);
    close(fd);
    map = graft_descriptors();
    map->type = MAP_RINGBUF;
    map->max_entries = size;
    map->base = (uint64_t)room;
    map->data = (uint64_t)room + GRAFT_RING_DATA_OFFSET;
    ring = (void *)room;
}

static long output(long count, uint64_t size, uint64_t flags)
{
    static char record[RECORD_MAX];
    long failed = 0;
    for (long i = 0; i < count; i++) {
        memset(record, (char)number, size);
        memcpy(record, &number, sizeof(number));
        number++;
        failed += graft_helper_ringbuf_output(map, record, size, flags) != 0;
    }
    return failed;
}

static int await_sleeper(void)
{
    for (int i = 0; i < SLEEPER_MILLIS; i++) {
        if (__atomic_load_n(&ring->wake_at, __ATOMIC_SEQ_CST) != GRAFT_RING_AWAKE)
            return 1;
        usleep(1000);
    }
    return 0;
}

static int all(const char *bytes, char value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != value)
            return 0;
    return 1;
}

/* Six pages: readable, but for the fourth (no access) and the sixth (nothing there). */
static char *island(void)
{
    char *pages = mmap(0, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(pages, 'x', 6 * PAGE);
    mprotect(pages + 3 * PAGE, PAGE, PROT_NONE);
    munmap(pages + 5 * PAGE, PAGE);
    return pages;
}

static int good(uint64_t from, uint32_t size)
{
    static char to[RECORD_MAX];
    memset(to, 0, sizeof(to));
    return graft_helper_probe_read_user(to, size, from) == 0 && all(to, 'x', size) && !to[size];
}

static int bad(uint64_t from, uint32_t size)
{
    static char to[RECORD_MAX];
    memset(to, 'y', sizeof(to));
    return graft_helper_probe_read_user(to, size, from) == -EFAULT && all(to, 0, size) && to[size] == 'y';
}

static int strings(char *pages)
{
    char to[64];
    char *end = pages + 3 * PAGE;
    memcpy(end - 4, "end", 4);
    int fits = graft_helper_probe_read_user_str(to, sizeof(to), (uint64_t)end - 4) == 4 && !strcmp(to, "end");
    memset(end - 4, 'x', 4);
    return fits && graft_helper_probe_read_user_str(to, sizeof(to), (uint64_t)end - 4) == -EFAULT
           && graft_helper_probe_read_user_str(to, 4, (uint64_t)end - 64) == 4 && !strcmp(to, "xxx");
}

/* A string of every length, read into buffers of every size, across a page's end too: nothing behind the buffer is changed. */
static int string_lengths(char *pages)
{
    enum { MOST = 140 };
    char *ends[] = {pages + PAGE - 70, pages + 3 * PAGE};
    char to[MOST + 1];
    int right = 1;
    for (int place = 0; place < 2; place++)
        for (uint32_t length = 0; length < MOST; length++)
            for (uint32_t size = 1; size <= MOST; size++) {
                char *from = place ? ends[1] - length - 1 : ends[0];
                uint32_t read = length < size ? length + 1 : size;
                memset(from, 'a', length);
                from[length] = 0;
                memset(to, 'y', sizeof(to));
                right &= graft_helper_probe_read_user_str(to, size, (uint64_t)from) == (long)read && to[read - 1] == 0
                         && all(to, 'a', read - 1) && to[size] == 'y';
                memset(from, 'x', length + 1);
            }
    return right;
}

/* The bounds of the main thread's stack. */
static void find_stack(void)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof(line), maps))
        if (strstr(line, "[stack]"))
            sscanf(line, "%lx-%lx", (long *)&graft_config()->stack_start, (long *)&graft_config()->stack_end);
    fclose(maps);
}

static int stack_reads(void)
{
    char local[PAGE];
    memset(local, 'x', sizeof(local));
    find_stack();
    return good((uint64_t)local, 8) && good((uint64_t)local + 1, sizeof(local) - 1)
           && bad(graft_config()->stack_end - 4, 8) && bad(graft_config()->stack_end, 1);
}

static int reads(void)
{
    uint64_t never = (uint64_t)mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *pages = island();
    uint64_t at = (uint64_t)pages;
    char zero = 1;
    return good(at, 1) && good(at + 5, 45) && good(at + 40, 1260) && good(at + PAGE - 3, 6) && good(at, 3 * PAGE)
           && good(at + 4 * PAGE, PAGE) && bad(at + 3 * PAGE, 8) && bad(at + 3 * PAGE - 4, 8)
           && bad(at + 2 * PAGE + 100, 2 * PAGE) && bad(at + 100, 3 * PAGE) && bad(at + 5 * PAGE, 1) && bad(0, 8)
           && stack_reads() && bad(~0ull - 16, 8) && bad(0x7ffffffff000, 8) && bad(0xffffffff81000000, 8) && strings(pages)
           && string_lengths(pages)
           && graft_helper_probe_read_user(&zero, 1, never) == 0 && zero == 0;
}

static void *storm(void *stop)
{
    for (char *page = 0; !__atomic_load_n((int *)stop, __ATOMIC_RELAXED);) {
        page = mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (page ? MAP_FIXED : 0), -1, 0);
        __atomic_store_n(&number, (uint64_t)page, __ATOMIC_RELEASE);
        munmap(page, PAGE);
    }
    return 0;
}

/* Another thread maps and unmaps the page that is read. */
static int survives_unmapping(void)
{
    pthread_t thread;
    int stop = 0;
    char to[64];
    number = 0;
    pthread_create(&thread, 0, storm, &stop);
    while (!__atomic_load_n(&number, __ATOMIC_ACQUIRE))
        usleep(100);
    for (int i = 0; i < STORM; i++)
        graft_helper_probe_read_user(to, sizeof(to), number);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, 0);
    return 1;
}

static const char *read_all(const char *how)
{
    graft_config()->features = strcmp(how, "transactions") ? 0 : GRAFT_FEATURE_RTM;
    graft_config()->single_threaded = (uint64_t)&single_threaded;
    single_threaded = 1;
    if (!reads())
        return "wrong with one thread";
    single_threaded = 0;
    if (!reads())
        return "wrong with threads";
    return survives_unmapping() ? "ok" : "wrong while pages go";
}

static int answered_work(char *line);

static void answer(char *line)
{
    char word[32], text[256];
    long a = 0, b = 0, c = 0;
    sscanf(line, "%31s", word);
    if (answered_work(line)) {
    } else if (sscanf(line, "ring %255s %ld", text, &a) == 2) {
        open_ring(text, (uint32_t)a);
        puts("ok");
    } else if (sscanf(line, "output %ld %ld %ld", &a, &b, &c) == 3) {
        printf("%ld\n", output(a, (uint64_t)b, (uint64_t)c));
    } else if (sscanf(line, "reserve %ld", &a) == 1) {
        reserved = graft_helper_ringbuf_reserve(map, (uint64_t)a, 0);
        puts(reserved ? "ok" : "full");
    } else if (sscanf(line, "submit %ld", &a) == 1) {
        graft_helper_ringbuf_submit(reserved, (uint64_t)a);
        puts("ok");
    } else if (sscanf(line, "discard %ld", &a) == 1) {
        graft_helper_ringbuf_discard(reserved, (uint64_t)a);
        puts("ok");
    } else if (sscanf(line, "sleep-at %ld", &a) == 1) {
        __atomic_store_n(&ring->wake_at, (uint64_t)a, __ATOMIC_SEQ_CST);
        puts("ok");
    } else if (sscanf(line, "hash %255s", text) == 1) {
        open_hash(text);
        puts("ok");
    } else if (sscanf(line, "differ %ld %ld %ld", &a, &b, &c) == 3) {
        printf("%ld\n", differ((unsigned)a, b, c));
    } else if (sscanf(line, "churn %ld %ld %ld", &a, &b, &c) == 3) {
        printf("%ld\n", churn(a, b, c));
    } else if (sscanf(line, "fill-once %ld %ld", &a, &b) == 2) {
        printf("%ld\n", fill_once(a, b));
    } else if (sscanf(line, "fill %ld %ld", &a, &b) == 2) {
        printf("%ld\n", fill(a, b));
    } else if (sscanf(line, "pass %ld %ld", &a, &b) == 2) {
        printf("%ld\n", pass(a, b));
    } else if (sscanf(line, "flood %ld %ld %ld", &a, &b, &c) == 3) {
        printf("%ld\n", flood(a, b, c));
    } else if (sscanf(line, "unwind %ld %ld", &a, &b) == 2) {
        printf("%ld\n", unwind_lies((unsigned)a, b));
    } else if (sscanf(line, "read %255s", text) == 1) {
        puts(read_all(text));
    } else if (!strcmp(word, "await-sleeper")) {
        puts(await_sleeper() ? "ok" : "nobody sleeps");
    } else if (!strcmp(word, "hold")) {
        puts(graft_lock(&ring->lock, &ring->lost_busy, &ring->lost_reentered, 0) ? "busy" : "ok");
    } else if (!strcmp(word, "doorbell")) {
        printf("%u\n", ring->doorbell);
    } else {
        puts("what?");
    }
    fflush(stdout);
}

static int answered_work(char *line)
{
    char text[256], descriptor[2 * sizeof(struct graft_map) + 1];
    long a = 0, b = 0;
    int rest = 0;
    if (sscanf(line, "map %255s", text) == 1) {
        open_map(text);
        puts("ok");
    } else if (sscanf(line, "notes %255s", text) == 1) {
        open_notes(text);
        puts("ok");
    } else if (sscanf(line, "perf %255s %ld", text, &a) == 2) {
        open_perf(text, (uint32_t)a);
        puts("ok");
    } else if (sscanf(line, "output-once %ld %ld", &a, &b) == 2) {
        printf("%ld\n", output_once(a, b));
    } else if (!strncmp(line, "output-everywhere", 17)) {
        printf("%ld\n", output_everywhere());
    } else if (sscanf(line, "work %31s %ld", text, &a) == 2) {
        puts(work(text, a));
    } else if (sscanf(line, "team %31s %ld %ld", text, &a, &b) == 3) {
        puts(team(text, a, b));
    } else if (sscanf(line, "array %255s %ld", text, &a) == 2) {
        open_array(text, (uint32_t)a);
        puts("ok");
    } else if (sscanf(line, "holder %255s %ld %128s", text, &a, descriptor) == 3) {
        open_holder(text, a, descriptor);
        puts("ok");
    } else if (sscanf(line, "spin %31s %ld", text, &a) == 2) {
        printf("%u\n", spin(text, a));
    } else if (!strncmp(line, "taken-over", 10)) {
        printf("%lu\n", graft_config()->locks_taken_over);
    } else if (sscanf(line, "slay %ld %n", &a, &rest) == 1) {
        printf("%d\n", slay(a, answer, line + rest));
    } else {
        return 0;
    }
    return 1;
}

int main(void)
{
    char line[512];
    graft_test_runtime = aligned_alloc(PAGE, GRAFT_RUNTIME_SIZE);
    memset(graft_test_runtime, 0, GRAFT_RUNTIME_SIZE);
    graft_config()->tgid = (uint32_t)getpid();
    while (fgets(line, sizeof(line), stdin))
        answer(line);
    return 0;
}
