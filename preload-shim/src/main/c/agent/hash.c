/*
 * Changes of hash maps. Runs in the target, anywhere (see runtime.h). Changes hold their bucket's lock.
 * Ordering rules: an element is complete before the release store that links it. `pending` is written before the change
 * it describes. Elements go into and out of free lists under the list's lock, with `pending` written on the same side of
 * the store that moves the element each time, so that after a death in between the list's first element tells whether it
 * was moved: none is lost, none is handed out twice.
 *
 * Most maps see the same keys come and go. A bucket therefore keeps the element that was taken out of it, for the next
 * one that goes in: neither touches a free list. When a map is full the kept elements are collected; while the lists
 * are short, nothing more is kept, so that this is rare.
 */
#include "hash.h"

#define SPINS 200
#define YIELDS 50
#define BUSY (~0u)

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

INLINE struct graft_free_list *list_at(struct graft_hash *hash, uint32_t index)
{
    return (struct graft_free_list *)((char *)hash + GRAFT_HASH_LISTS_OFFSET) + index;
}

/* This processor's list. */
INLINE uint32_t own_list(struct graft_hash *hash)
{
    uint32_t cpu = graft_cpu();
    return cpu < hash->lists ? cpu : cpu % hash->lists;
}

/* Others' lists count too: this processor may have put into the map what theirs still have. */
static void add_up(struct graft_hash *hash)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < hash->lists; i++)
        count += __atomic_load_n(&list_at(hash, i)->count, __ATOMIC_RELAXED);
    uint32_t plenty = count > (uint64_t)hash->keep_above * hash->lists;
    if (plenty != __atomic_load_n(&hash->plenty, __ATOMIC_RELAXED))
        __atomic_store_n(&hash->plenty, plenty, __ATOMIC_RELAXED);
}

/*
 * The list is locked. Others are on lines that their processors write all the time, so they are looked at seldom: when this one has
 * changed by half of what decides, so that the sum is never further off.
 */
INLINE void set_count(struct graft_hash *hash, struct graft_free_list *list, uint32_t count)
{
    __atomic_store_n(&list->count, count, __ATOMIC_RELAXED);
    uint32_t each = hash->keep_above / 2 < GRAFT_COUNTED_EACH ? hash->keep_above / 2 : GRAFT_COUNTED_EACH;
    if (count - list->counted + each > 2 * each) {
        list->counted = count;
        add_up(hash);
    }
}

INLINE int may_keep(struct graft_hash *hash)
{
    uint32_t count = __atomic_load_n(&list_at(hash, own_list(hash))->count, __ATOMIC_RELAXED);
    return count > hash->keep_above || __atomic_load_n(&hash->plenty, __ATOMIC_RELAXED);
}

/* The bucket's lock was taken with a full fence after which `keeping` is read: see collect. */
INLINE void keep(struct graft_hash *hash, struct graft_bucket *bucket, uint32_t kept)
{
    if (!__atomic_load_n(&hash->keeping, __ATOMIC_RELAXED))
        __atomic_store_n(&hash->keeping, 1, __ATOMIC_RELAXED);
    set_pending(bucket, kept);
}

/* Who locks a list for a bucket whose lock is held. */
INLINE uint64_t list_owner(struct graft_hash *hash, struct graft_bucket *bucket)
{
    uint32_t number = (uint32_t)(bucket - bucket_at(hash, 0)) + 1;
    return (uint64_t)graft_tgid() << 32 | number;
}

INLINE int try_list(struct graft_hash *hash, struct graft_free_list *list, struct graft_bucket *bucket)
{
    return graft_try_lock(&list->lock, list_owner(hash, bucket));
}

INLINE int is_filled(struct graft_hash *hash, uint32_t list)
{
    return __atomic_load_n(&hash->filled, __ATOMIC_RELAXED) >> list & 1;
}

/* What to do when lists were locked: try again, or (0) give up. */
static int wait_for_lists(struct graft_hash *hash, int tries)
{
    if (tries < SPINS)
        __builtin_ia32_pause();
    else if (tries < SPINS + YIELDS)
        graft_call(SYS_SCHED_YIELD, 0, 0, 0, 0, 0, 0);
    else
        __atomic_fetch_add(&hash->list_busy, 1, __ATOMIC_RELAXED);
    return tries < SPINS + YIELDS;
}

/* Any list, locked, this processor's first; 0 when none can be had. */
static struct graft_free_list *lock_any(struct graft_hash *hash, struct graft_bucket *bucket)
{
    uint32_t own = own_list(hash);
    int tries = 0;
    do {
        for (uint32_t i = 0, at = own; i < hash->lists; i++, at = at + 1 < hash->lists ? at + 1 : 0) {
            struct graft_free_list *list = list_at(hash, at);
            if (try_list(hash, list, bucket))
                return list;
        }
    } while (wait_for_lists(hash, tries++));
    return 0;
}

/* Takes the list's first element + 1, or 0. */
static uint32_t pop(
    struct graft_map *map, struct graft_free_list *list, struct graft_bucket *bucket, uint32_t operation)
{
    struct graft_hash *hash = header(map);
    uint32_t first = list->first;
    if (!first || first > hash->capacity)
        return 0;
    set_pending(bucket, operation | first);
    uint32_t next = __atomic_load_n(&element(map, hash, first - 1)->next, __ATOMIC_RELAXED);
    uint32_t after = next ? next & ~FREE_MARK : first < list->end ? first + 1 : 0;
    __atomic_store_n(&list->first, after, __ATOMIC_RELEASE);
    return first;
}

/* Puts an element first; for who keeps the list locked until it is out again. */
INLINE void put(struct graft_map *map, struct graft_free_list *list, uint32_t given)
{
    struct graft_element *e = element(map, header(map), given - 1);
    __atomic_store_n(&e->next, FREE_MARK | list->first, __ATOMIC_RELAXED);
    __atomic_store_n(&list->first, given, __ATOMIC_RELEASE);
}

static void push(struct graft_map *map, struct graft_free_list *list, uint32_t given)
{
    struct graft_hash *hash = header(map);
    uint32_t number = (uint32_t)(list - list_at(hash, 0));
    if (!is_filled(hash, number))
        __atomic_fetch_or(&hash->filled, 1u << number, __ATOMIC_RELAXED);
    put(map, list, given);
    set_count(hash, list, list->count + 1);
}

/* Takes an element out of a list that may be empty: element + 1, 0, or BUSY. */
static uint32_t take_out(struct graft_map *map, uint32_t number, struct graft_bucket *bucket, uint32_t operation)
{
    struct graft_hash *hash = header(map);
    struct graft_free_list *list = list_at(hash, number);
    if (!try_list(hash, list, bucket))
        return BUSY;
    uint32_t taken = pop(map, list, bucket, operation);
    if (taken)
        set_count(hash, list, list->count - 1);
    else
        __atomic_fetch_and(&hash->filled, ~(1u << number), __ATOMIC_RELAXED);
    graft_unlock(&list->lock);
    return taken;
}

/* An unused element + 1, 0 when there is none, or BUSY. It is pending in the bucket. */
static uint32_t take(struct graft_map *map, struct graft_bucket *bucket, uint32_t operation)
{
    struct graft_hash *hash = header(map);
    uint32_t own = own_list(hash);
    int busy, tries = 0;
    do {
        busy = 0;
        for (uint32_t i = 0, at = own; i < hash->lists; i++, at = at + 1 < hash->lists ? at + 1 : 0) {
            uint32_t taken = is_filled(hash, at) ? take_out(map, at, bucket, operation) : 0;
            if (taken && taken != BUSY)
                return taken;
            busy |= taken == BUSY;
        }
        if (!busy)
            return 0;
    } while (wait_for_lists(hash, tries++));
    return BUSY;
}

/* Puts what the bucket keeps into a list; `then` is pending in its place. 0 when no list can be had. */
static int give_kept(struct graft_map *map, struct graft_bucket *bucket, uint32_t then)
{
    struct graft_hash *hash = header(map);
    struct graft_free_list *list = lock_any(hash, bucket);
    if (!list)
        return 0;
    push(map, list, kept_by(hash, bucket));
    set_pending(bucket, then);
    graft_unlock(&list->lock);
    return 1;
}

/*
 * Gives back what buckets keep. The caller holds the lock of `mine`, so it waits for no other. A bucket that is locked now
 * may keep an element by an operation that read `keeping` before it is cleared here: one that is not locked has read it
 * after that, or its element is seen.
 */
static void collect(struct graft_map *map, struct graft_bucket *mine)
{
    struct graft_hash *hash = header(map);
    uint64_t me = graft_owner();
    int left = 0;
    __atomic_store_n(&hash->keeping, 0, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i <= hash->bucket_mask; i++) {
        struct graft_bucket *bucket = bucket_at(hash, i);
        if (bucket == mine)
            continue;
        int locked = __atomic_load_n(&bucket->lock, __ATOMIC_ACQUIRE) != 0;
        if (!locked && !kept_by(hash, bucket))
            continue;
        if (locked || !graft_try_lock(&bucket->lock, me)) {
            left = 1;
            continue;
        }
        if (kept_by(hash, bucket) && !give_kept(map, bucket, 0))
            left = 1;
        graft_unlock(&bucket->lock);
    }
    if (left)
        __atomic_store_n(&hash->keeping, 1, __ATOMIC_RELAXED);
}

/* A thread's value: zeros when nobody gives one. */
static void fill_storage(struct graft_map *map, struct graft_storage *storage, const void *value)
{
    uint32_t size = map->value_size - sizeof(*storage);
    storage->born = graft_boot_nanos();
    if (value)
        graft_copy(storage + 1, value, size);
    else
        graft_zero(storage + 1, size);
}

static void fill_around_fields(struct graft_map *map, void *to, const void *value)
{
    graft_copy_around_fields(map, to, value);
    graft_end_timer(map, to);
}

INLINE void fill(
    struct graft_map *map, uint32_t index, const char *key, uint32_t size, uint32_t code, const void *value)
{
    struct graft_hash *hash = header(map);
    struct graft_element *e = element(map, hash, index);
    __atomic_store_n(&e->hash, code, __ATOMIC_RELAXED);
    if (is_lru(map))
        __atomic_store_n(used_of(map, hash, index), 0, __ATOMIC_RELAXED);
    graft_copy(key_of(e), key, size);
    if (is_per_cpu(map))
        for (uint32_t cpu = 0; cpu < hash->cpus; cpu++)
            graft_zero((char *)hash + hash->values_offset + (uint64_t)cpu * hash->cpu_stride
                           + (uint64_t)index * hash->stride, hash->stride);
    if (map->type == MAP_TASK_STORAGE)
        fill_storage(map, value_of(map, hash, index), value);
    else if (graft_has_fields(map))
        fill_around_fields(map, value_of(map, hash, index), value);
    else
        graft_copy(value_of(map, hash, index), value, map->value_size);
}

/* The element is in no chain any more. */
INLINE void end_timer_of(struct graft_map *map, struct graft_hash *hash, uint32_t index)
{
    if (map->inner_or_timer)
        graft_end_timer(map, value_of(map, hash, index));
}

INLINE void link_first(struct graft_map *map, struct graft_bucket *bucket, uint32_t index)
{
    __atomic_store_n(&element(map, header(map), index)->next, bucket->head, __ATOMIC_RELAXED);
    __atomic_store_n(&bucket->head, index, __ATOMIC_RELEASE);
}

/* What points to the element in its chain, or 0 when it is in no chain. The bucket's lock is held. */
static uint32_t *link_to(struct graft_map *map, struct graft_bucket *bucket, uint32_t wanted)
{
    struct graft_hash *hash = header(map);
    uint32_t *link = &bucket->head;
    for (uint32_t steps = 0; *link < hash->capacity && steps < hash->capacity; steps++) {
        if (*link == wanted)
            return link;
        link = &element(map, hash, *link)->next;
    }
    return 0;
}

/*
 * Takes an element out of its chain for `mine`, whose lock is held: pending there, element + 1, or 0. On its way it is in a list
 * that is locked first for the one bucket, then for the other, so a death in between leaves it in the list.
 */
static uint32_t evict(struct graft_map *map, struct graft_bucket *mine, uint32_t index)
{
    struct graft_hash *hash = header(map);
    uint32_t code = __atomic_load_n(&element(map, hash, index)->hash, __ATOMIC_RELAXED), taken = 0;
    struct graft_bucket *bucket = bucket_at(hash, code & hash->bucket_mask);
    if (bucket != mine && !graft_try_lock(&bucket->lock, graft_owner()))
        return 0;
    uint32_t *link = kept_by(hash, bucket) ? 0 : link_to(map, bucket, index);
    struct graft_free_list *list = link ? lock_any(hash, bucket) : 0;
    if (list) {
        set_pending(bucket, GRAFT_PENDING_DELETE | (index + 1));
        __atomic_store_n(link, element(map, hash, index)->next, __ATOMIC_RELEASE);
        end_timer_of(map, hash, index);
        put(map, list, index + 1);
        set_pending(bucket, 0);
        __atomic_store_n(&list->lock, list_owner(hash, mine), __ATOMIC_RELEASE);
        taken = pop(map, list, mine, GRAFT_PENDING_INSERT);
        graft_unlock(&list->lock);
    }
    if (bucket != mine)
        graft_unlock(&bucket->lock);
    return taken;
}

/* Of two threads on one processor both may look at an element, or neither; the next round finds it. */
INLINE uint32_t next_of_run(struct graft_hash *hash, struct graft_free_list *list)
{
    uint32_t at = __atomic_load_n(&list->hand, __ATOMIC_RELAXED);
    if (!(at % GRAFT_LRU_RUN))
        at = __atomic_fetch_add(&hash->hand, GRAFT_LRU_RUN, __ATOMIC_RELAXED);
    __atomic_store_n(&list->hand, at + 1, __ATOMIC_RELAXED);
    return at % hash->capacity;
}

/* Makes room in an LRU hash: an element as `evict` has it. The caller holds the lock of `mine`, so it waits for no other bucket. */
static uint32_t evict_one(struct graft_map *map, struct graft_bucket *mine)
{
    struct graft_hash *hash = header(map);
    struct graft_free_list *list = list_at(hash, own_list(hash));
    for (uint32_t looks = 0; looks < 2 * GRAFT_LRU_SCANS + hash->lists; looks++) {
        uint32_t index = next_of_run(hash, list);
        uint8_t *used = used_of(map, hash, index);
        if (looks < GRAFT_LRU_SCANS && __atomic_load_n(used, __ATOMIC_RELAXED)) {
            __atomic_store_n(used, 0, __ATOMIC_RELAXED);
            continue;
        }
        uint32_t taken = evict(map, mine, index);
        if (taken)
            return taken;
    }
    return 0;
}

/* An unused element + 1 of a map whose lists were empty, 0, or BUSY. */
static uint32_t take_from_others(struct graft_map *map, struct graft_bucket *bucket)
{
    uint32_t taken = 0;
    if (__atomic_load_n(&header(map)->keeping, __ATOMIC_RELAXED)) {
        collect(map, bucket);
        taken = take(map, bucket, GRAFT_PENDING_INSERT);
    }
    return taken || !is_lru(map) ? taken : evict_one(map, bucket);
}

INLINE long insert(struct graft_map *map, struct graft_bucket *bucket, const char *key, uint32_t size, uint32_t code,
    const void *value)
{
    struct graft_hash *hash = header(map);
    uint32_t taken = kept_by(hash, bucket);
    if (taken) {
        set_pending(bucket, GRAFT_PENDING_INSERT | taken);
    } else {
        taken = take(map, bucket, GRAFT_PENDING_INSERT);
        if (!taken)
            taken = take_from_others(map, bucket);
        if (!taken || taken == BUSY)
            return taken ? -EBUSY : is_lru(map) ? -ENOMEM : -E2BIG;
    }
    fill(map, taken - 1, key, size, code, value);
    link_first(map, bucket, taken - 1);
    set_pending(bucket, 0);
    return 0;
}

INLINE int fits_one_store(uint32_t size) { return size <= 8 && !(size & (size - 1)); }

/* Links a new element and takes the old one out; `pending` names the first until it is linked, then the second. */
INLINE void exchange(struct graft_map *map, struct graft_bucket *bucket, uint32_t old, uint32_t taken, uint32_t size,
    uint32_t deletes)
{
    struct graft_hash *hash = header(map);
    const char *key = key_of(element(map, hash, taken - 1));
    uint32_t *link;
    if (is_lru(map))
        mark_used(map, hash, taken - 1);
    link_first(map, bucket, taken - 1);
    set_pending(bucket, deletes | (old + 1));
    find(map, &element(map, hash, taken - 1)->next, key, size, element(map, hash, old)->hash, &link);
    __atomic_store_n(link, element(map, hash, old)->next, __ATOMIC_RELEASE);
    end_timer_of(map, hash, old);
}

/* The map is nearly full: a list's spare element is the new one, the old one is its spare element from then on. */
static long replace_by_spare(struct graft_map *map, struct graft_bucket *bucket, uint32_t old, const void *value)
{
    struct graft_hash *hash = header(map);
    struct graft_element *e = element(map, hash, old);
    struct graft_free_list *list = lock_any(hash, bucket);
    if (!list)
        return -EBUSY;
    uint32_t taken = list->spare;
    int has_spare = taken && taken <= hash->capacity;
    if (has_spare) {
        set_pending(bucket, GRAFT_PENDING_REPLACE | GRAFT_PENDING_SPARE | taken);
        fill(map, taken - 1, key_of(e), map->key_size, e->hash, value);
        exchange(map, bucket, old, taken, map->key_size, GRAFT_PENDING_DELETE | GRAFT_PENDING_SPARE);
        __atomic_store_n(&list->spare, old + 1, __ATOMIC_RELEASE);
        set_pending(bucket, 0);
    }
    graft_unlock(&list->lock);
    return has_spare ? 0 : -EBUSY;
}

/* Values that one store cannot change move to a new element: a reader sees the old or the new one, never a mixture. */
INLINE long replace(struct graft_map *map, struct graft_bucket *bucket, uint32_t old, const char *key, uint32_t size,
    uint32_t code, const void *value)
{
    struct graft_hash *hash = header(map);
    if (is_per_cpu(map) || (fits_one_store(map->value_size) && !graft_has_fields(map))) {
        graft_store_value(value_of(map, hash, old), value, map->value_size);
        if (is_lru(map))
            mark_used(map, hash, old);
        return 0;
    }
    uint32_t taken = kept_by(hash, bucket);
    if (taken) {
        set_pending(bucket, GRAFT_PENDING_REPLACE | taken);
    } else {
        if (may_keep(hash))
            taken = take(map, bucket, GRAFT_PENDING_REPLACE);
        if (!taken || taken == BUSY)
            return replace_by_spare(map, bucket, old, value);
    }
    fill(map, taken - 1, key, size, code, value);
    exchange(map, bucket, old, taken, size, GRAFT_PENDING_DELETE);
    keep(hash, bucket, old + 1);
    return 0;
}

/* Stores a value over another one under its lock. No bucket's lock is waited for meanwhile. */
static int set_locked(
    struct graft_map *map, uint32_t index, const char *key, uint32_t code, const void *value)
{
    struct graft_element *e = element(map, header(map), index);
    char *to = value_of(map, header(map), index);
    graft_spin_lock(graft_lock_of(map, to));
    int found = is_key(e, key, map->key_size, code); /* it may have become another key's while the lock was waited for */
    if (found)
        graft_copy_around_fields(map, to, value);
    graft_spin_unlock(graft_lock_of(map, to));
    return found;
}

INLINE long update(struct graft_map *map, const char *key, uint32_t size, const void *value, uint64_t flags)
{
    struct graft_hash *hash = header(map);
    if (flags > BPF_EXIST)
        return -EINVAL;
    uint32_t code = hash_of(hash, key, size);
    struct graft_bucket *bucket = bucket_at(hash, code & hash->bucket_mask);
    long result = graft_lock(&bucket->lock, &hash->lock_busy, &hash->lock_reentered, &hash->stuck);
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

static long unlink(struct graft_map *map, struct graft_bucket *bucket, uint32_t *link, uint32_t index)
{
    struct graft_hash *hash = header(map);
    uint32_t deletes = GRAFT_PENDING_DELETE | (index + 1);
    struct graft_free_list *list = 0;
    if (kept_by(hash, bucket)) {
        if (!give_kept(map, bucket, deletes))
            return -EBUSY;
    } else {
        if (!may_keep(hash))
            list = lock_any(hash, bucket);
        set_pending(bucket, deletes);
    }
    __atomic_store_n(link, element(map, hash, index)->next, __ATOMIC_RELEASE);
    end_timer_of(map, hash, index);
    if (list) {
        push(map, list, index + 1);
        set_pending(bucket, 0);
        graft_unlock(&list->lock);
    } else {
        keep(hash, bucket, index + 1);
    }
    return 0;
}

INLINE long delete(struct graft_map *map, const char *key, uint32_t size)
{
    struct graft_hash *hash = header(map);
    uint32_t code = hash_of(hash, key, size);
    struct graft_bucket *bucket = bucket_at(hash, code & hash->bucket_mask);
    long result = graft_lock(&bucket->lock, &hash->lock_busy, &hash->lock_reentered, &hash->stuck);
    if (result)
        return result;
    uint32_t *link;
    uint32_t index = find(map, &bucket->head, key, size, code, &link);
    result = index < hash->capacity ? unlink(map, bucket, link, index) : -ENOENT;
    graft_unlock(&bucket->lock);
    return result;
}

static long update_by_size(struct graft_map *map, const void *key, const void *value, uint64_t flags)
{
    switch (map->key_size) {
    case 4: return update(map, key, 4, value, flags);
    case 8: return update(map, key, 8, value, flags);
    default: return update(map, key, map->key_size, value, flags);
    }
}

/* With BPF_F_LOCK a key that is there keeps its element. */
static long update_locked(struct graft_map *map, const char *key, const void *value, uint64_t flags)
{
    struct graft_hash *hash = header(map);
    uint32_t code = hash_of(hash, key, map->key_size), number = code & hash->bucket_mask, *link;
    for (int tries = 0; tries < SPINS; tries++) {
        uint32_t index = find(map, &bucket_at(hash, number)->head, key, map->key_size, code, &link);
        if (index < hash->capacity) {
            if (flags & BPF_NOEXIST)
                return -EEXIST;
            if (set_locked(map, index, key, code, value))
                return 0;
        } else if (index == (GRAFT_HASH_END | number)) {
            if (flags & BPF_EXIST)
                return -ENOENT;
            long result = update_by_size(map, key, value, BPF_NOEXIST);
            if (result != -EEXIST || flags & BPF_NOEXIST)
                return result;
        }
    }
    return -EBUSY;
}

long graft_hash_update(struct graft_map *map, const void *key, const void *value, uint64_t flags)
{
    if (!(flags & BPF_F_LOCK))
        return update_by_size(map, key, value, flags);
    return !map->lock || (flags & ~(uint64_t)BPF_F_LOCK) > BPF_EXIST ? -EINVAL : update_locked(map, key, value, flags);
}

long graft_hash_delete(struct graft_map *map, const void *key)
{
    switch (map->key_size) {
    case 4: return delete(map, key, 4);
    case 8: return delete(map, key, 8);
    default: return delete(map, key, map->key_size);
    }
}
