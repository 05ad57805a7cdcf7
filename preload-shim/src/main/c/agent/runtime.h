/*
 * What every file of the agent shares. The agent runs inside the target, at any instruction of any thread, perhaps in a
 * signal handler, perhaps before libc is relocated: no libc, no TLS of its own, no vector registers, no writable data
 * but the runtime region below its own image. Ordering rule: whoever publishes an index or a position does it with a
 * release store, last.
 */
#ifndef GRAFT_RUNTIME_H
#define GRAFT_RUNTIME_H

#include "../sys.h"
#include "layout.h"

#pragma GCC visibility push(hidden)

#define EXPORT __attribute__((visibility("default")))

enum { EPERM = 1, ENOENT = 2, E2BIG = 7, EAGAIN = 11, ENOMEM = 12, EFAULT = 14, EBUSY = 16, EEXIST = 17, EINVAL = 22, ENOSPC = 28, EOPNOTSUPP = 95 };
enum {
    MAP_HASH = 1, MAP_ARRAY = 2, MAP_PERCPU_HASH = 5, MAP_PERCPU_ARRAY = 6, MAP_LRU_HASH = 9, MAP_LRU_PERCPU_HASH = 10,
    MAP_LPM_TRIE = 11, MAP_ARRAY_OF_MAPS = 12, MAP_HASH_OF_MAPS = 13, MAP_QUEUE = 22, MAP_VALUE_STACK = 23,
    MAP_RINGBUF = 27, MAP_TASK_STORAGE = 29, MAP_BLOOM_FILTER = 30
};
enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK = 4 };

#ifdef GRAFT_HOSTED_TEST
extern char *graft_test_runtime;
INLINE char *graft_runtime(void) { return graft_test_runtime; }
#else
/* First byte of the image; the runtime region ends where the pool begins. */
extern char graft_image[];
INLINE char *graft_runtime(void)
{
    char *image = graft_image;
    __asm__("" : "+r"(image)); /* the compiler must not think that the region is part of the symbol */
    return image - (GRAFT_AGENT_OFFSET + GRAFT_RUNTIME_SIZE);
}
#endif

/* The runtime region of the pool that an address lies in, or 0. */
char *graft_runtime_of(uint64_t address);

INLINE struct graft_state *graft_state(void) { return (void *)(graft_runtime() + GRAFT_STATE_OFFSET); }
INLINE struct graft_config *graft_config(void) { return (void *)(graft_runtime() + GRAFT_CONFIG_OFFSET); }
INLINE struct graft_map *graft_descriptors(void) { return (void *)(graft_runtime() + GRAFT_DESCRIPTORS_OFFSET); }

enum {
    SYS_RT_SIGPROCMASK = 14, SYS_SCHED_YIELD = 24, SYS_MADVISE = 28, SYS_GETPID = 39, SYS_GETUID = 102,
    SYS_GETGID = 104, SYS_GETPPID = 110, SYS_RT_SIGQUEUEINFO = 129, SYS_PRCTL = 157, SYS_GETTID = 186,
    SYS_FUTEX = 202, SYS_CLOCK_GETTIME = 228, SYS_CLOCK_NANOSLEEP = 230, SYS_RT_TGSIGQUEUEINFO = 297,
    SYS_PROCESS_VM_READV = 310, SYS_PROCESS_VM_WRITEV = 311, SYS_GETCPU = 309
};

/*
 * A system call of the agent. None when the process has called for a filter of system calls, which might end it for one that
 * it does not make itself: -EPERM.
 */
INLINE long graft_call(long number, long a, long b, long c, long d, long e, long f)
{
    if (__atomic_load_n(&graft_config()->confined, __ATOMIC_RELAXED))
        return -EPERM;
    return graft_syscall(number, a, b, c, d, e, f);
}

/* Where a map's region begins, and its first value, element or record. */
INLINE uint64_t graft_base(const struct graft_map *map) { return map->base + ((uint64_t)map & map->relative); }
INLINE uint64_t graft_data(const struct graft_map *map) { return map->data + ((uint64_t)map & map->relative); }

/* A 32-bit word relative to the thread pointer. */
INLINE uint32_t graft_thread_word(long offset)
{
    uint32_t word;
    __asm__ volatile("movl %%fs:(%1), %0" : "=r"(word) : "r"(offset));
    return word;
}

/* This thread's number for system calls. */
INLINE uint32_t graft_own_tid(void)
{
    int32_t offset = graft_config()->tid_offset;
    return offset ? graft_thread_word(offset) : (uint32_t)graft_call(SYS_GETTID, 0, 0, 0, 0, 0, 0);
}

uint32_t graft_initial_of(uint32_t own);

/* Rings, and waits for a word that the daemon makes another than 0: that, or 0 when it does not in time. */
uint32_t graft_ask(uint32_t *bell, uint32_t *answer);
void graft_forget_number(uint32_t own);

/* The number that the daemon knows a thread of this process by. */
INLINE uint32_t graft_initial(uint32_t own) { return graft_config()->translated ? graft_initial_of(own) : own; }

INLINE uint32_t graft_tid(void) { return graft_initial(graft_own_tid()); }

void graft_adopt(void);
uint32_t graft_ask_process(uint32_t own);

/* The process; a forked child finds out at its first event. */
INLINE uint32_t graft_tgid(void)
{
    struct graft_config *config = graft_config();
    if (config->followed && !graft_state()->active)
        graft_adopt();
    return config->tgid;
}

/* This thread as an owner of locks. */
INLINE uint64_t graft_owner(void) { return (uint64_t)graft_tgid() << 32 | graft_tid(); }

INLINE int graft_try_lock(uint64_t *lock, uint64_t me)
{
    uint64_t free = 0;
    return __atomic_compare_exchange_n(lock, &free, me, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

#define GRAFT_BACK_OFFS 40
#define GRAFT_PAUSES 16 /* at most between two looks */

/*
 * Before looking at a lock again: each time longer, as each look takes the lock's line away from its owner. Another thread that
 * takes and leaves the lock all the time gets on meanwhile; this one finds it free at one of its looks.
 */
INLINE void graft_back_off(int looks)
{
    int pauses = looks < 5 ? 1 << looks : GRAFT_PAUSES;
    for (int i = 0; i < pauses; i++)
        __builtin_ia32_pause();
}

int graft_lock_taken(uint64_t *lock, uint64_t *busy, uint64_t *reentered, uint64_t *stuck);

/*
 * Takes a lock word: 0, or -EBUSY when it is not free in time or when this thread holds it (*reentered). The wait is as long
 * as an owner that lost its CPU may need to get it back, once for an owner that does not (*stuck).
 */
INLINE int graft_lock(uint64_t *lock, uint64_t *busy, uint64_t *reentered, uint64_t *stuck)
{
    return graft_try_lock(lock, graft_owner()) ? 0 : graft_lock_taken(lock, busy, reentered, stuck);
}

INLINE void graft_unlock(uint64_t *lock) { __atomic_store_n(lock, 0, __ATOMIC_RELEASE); }

uint32_t graft_cpu_unregistered(void);
uint32_t graft_node(void);

/* The CPU's number: from rseq where the thread is registered. */
INLINE uint32_t graft_cpu(void)
{
    struct graft_config *config = graft_config();
    uint32_t cpu = ~0u;
    if (config->rseq_offset)
        cpu = graft_thread_word((long)config->rseq_offset + 4);
    return cpu < config->cpus ? cpu : graft_cpu_unregistered();
}

#define FLAG_DIRECTION 0x400

/*
 * Long copies by the string instruction, which moves whole lines without vector registers. A probe inside a routine that
 * copies backwards may find the direction flag set; changing it would change the application's.
 */
INLINE void graft_copy(void *to, const void *from, uint64_t size)
{
    char *t = to;
    const char *f = from;
    if (size >= 64 && !(__builtin_ia32_readeflags_u64() & FLAG_DIRECTION)) {
        __asm__ volatile("rep movsb" : "+D"(t), "+S"(f), "+c"(size) : : "memory");
        return;
    }
    for (; size >= 8; size -= 8, t += 8, f += 8)
        __builtin_memcpy(t, f, 8);
    for (; size; size--)
        *t++ = *f++;
}

INLINE void graft_zero(void *to, uint64_t size)
{
    /* volatile, so that the compiler makes no call of memset() of it */
    typedef uint64_t __attribute__((may_alias, aligned(1))) word;
    char *t = to;
    for (; size >= 8; size -= 8, t += 8)
        *(volatile word *)t = 0;
    for (; size; size--)
        *(volatile char *)t++ = 0;
}

/* A store that no reader sees half done, for the sizes that the machine can store at once. */
INLINE void graft_store_value(void *to, const void *from, uint32_t size)
{
    switch (size) {
    case 1: __atomic_store_n((uint8_t *)to, *(const uint8_t *)from, __ATOMIC_RELEASE); break;
    case 2: { uint16_t v; __builtin_memcpy(&v, from, 2); __atomic_store_n((uint16_t *)to, v, __ATOMIC_RELEASE); break; }
    case 4: { uint32_t v; __builtin_memcpy(&v, from, 4); __atomic_store_n((uint32_t *)to, v, __ATOMIC_RELEASE); break; }
    case 8: { uint64_t v; __builtin_memcpy(&v, from, 8); __atomic_store_n((uint64_t *)to, v, __ATOMIC_RELEASE); break; }
    default: graft_copy(to, from, size);
    }
}

void graft_spin_lock(uint32_t *lock);
void graft_spin_unlock(uint32_t *lock);
void graft_copy_around_fields(const struct graft_map *map, void *to, const void *from);

/* Whether values have what only helpers may touch. Not for maps of maps. */
INLINE int graft_has_fields(const struct graft_map *map) { return (map->lock | map->inner_or_timer) != 0; }

INLINE uint32_t *graft_lock_of(const struct graft_map *map, void *value) { return (uint32_t *)((char *)value + map->lock - 1); }

/* The timer of an element that goes, or gets another value, is none any more. Its state is the first to go: see timer.c. */
INLINE void graft_end_timer(const struct graft_map *map, void *value)
{
    if (map->inner_or_timer) {
        struct graft_timer *timer = (void *)((char *)value + map->inner_or_timer - 1);
        __atomic_store_n(&timer->state, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&timer->due, 0, __ATOMIC_RELEASE);
    }
}

/* Stores a value, but for its lock and timer. */
INLINE void graft_set_value(const struct graft_map *map, void *to, const void *from)
{
    if (graft_has_fields(map))
        graft_copy_around_fields(map, to, from);
    else
        graft_store_value(to, from, map->value_size);
}

/* The process << 32 | the thread, also in a child of vfork. */
uint64_t graft_current_ids(void);

uint64_t graft_monotonic_nanos(void); /* of the process's time namespace; the others are the kernel's */
uint64_t graft_boot_nanos(void);
uint64_t graft_kernel_nanos(void);

#define GRAFT_COMM_SIZE 16
void graft_name_thread(char *name);
INLINE int graft_daemon_is_dead(void)
{
    return __atomic_load_n((uint32_t *)(graft_runtime() - GRAFT_LIFELINE_SIZE), __ATOMIC_RELAXED) >= GRAFT_LIFELINE_CUT;
}

/* Copies what may not be there; not counted as a fault when it is not. */
int graft_read(void *to, uint64_t size, uint64_t from);

/* A function of a program, by the C convention. */
typedef uint64_t (*graft_callback)(struct graft_map *map, const void *key, void *value, uint64_t context);

long graft_hash_for_each(struct graft_map *map, graft_callback callback, uint64_t context);
void *graft_hash_lookup(struct graft_map *map, const void *key);
void *graft_hash_lookup_of(struct graft_map *map, const void *key, uint32_t cpu);
long graft_hash_update(struct graft_map *map, const void *key, const void *value, uint64_t flags);
long graft_hash_delete(struct graft_map *map, const void *key);
void *graft_trie_lookup(struct graft_map *map, const void *key);
long graft_trie_update(struct graft_map *map, const void *key, const void *value, uint64_t flags);
long graft_trie_delete(struct graft_map *map, const void *key);
void *graft_ring_reserve(struct graft_map *map, uint64_t size);
void graft_ring_finish(void *sample, uint64_t flags, uint32_t mark);

#endif
