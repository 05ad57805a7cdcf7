/*
 * Pages of arenas, as the kernel gives them (kernel/bpf/arena.c). Which ones are in use is said by bits behind the memory, which
 * are changed under a lock; what is in them is not looked at, and cleared by who gets them. Runs in the target, anywhere (see
 * runtime.h). What a process had that died stays in use.
 */
#include "runtime.h"

enum { PAGE = 4096, PAGE_SHIFT = 12, MADV_REMOVE = 9, WORD_BITS = 64 };

INLINE struct graft_arena *header(struct graft_map *map) { return (void *)graft_base(map); }
INLINE uint64_t *words(struct graft_arena *arena) { return (void *)((char *)arena + GRAFT_ARENA_BITS_OFFSET); }

/* Unused pages are 0. How many follow each other from `page` on that have the same bit, up to `limit`. */
static uint64_t run_length(const uint64_t *bits, uint64_t page, uint64_t limit)
{
    uint64_t flip = bits[page / WORD_BITS] >> page % WORD_BITS & 1 ? ~0ull : 0, at = page;
    while (at < limit) {
        uint64_t others = (bits[at / WORD_BITS] ^ flip) >> at % WORD_BITS;
        if (others) {
            at += (uint64_t)__builtin_ctzll(others);
            break;
        }
        at += WORD_BITS - at % WORD_BITS;
    }
    return (at < limit ? at : limit) - page;
}

INLINE int in_use(const uint64_t *bits, uint64_t page) { return bits[page / WORD_BITS] >> page % WORD_BITS & 1; }

static void set_range(uint64_t *bits, uint64_t page, uint64_t count, int used)
{
    for (uint64_t end = page + count; page < end;) {
        uint64_t left = WORD_BITS - page % WORD_BITS, some = end - page < left ? end - page : left;
        uint64_t mask = (some == WORD_BITS ? ~0ull : (1ull << some) - 1) << page % WORD_BITS;
        if (used)
            bits[page / WORD_BITS] |= mask;
        else
            bits[page / WORD_BITS] &= ~mask;
        page += some;
    }
}

#define NONE (~0ull)

/* The first page of the smallest gap that is large enough. */
static uint64_t find_gap(const uint64_t *bits, uint64_t pages, uint64_t count)
{
    uint64_t best = NONE, smallest = NONE;
    for (uint64_t page = 0, length; page < pages; page += length) {
        length = run_length(bits, page, pages);
        if (!in_use(bits, page) && length >= count && length < smallest) {
            smallest = length;
            best = page;
        }
    }
    return best;
}

INLINE int lock(struct graft_arena *arena)
{
    return graft_lock(&arena->lock, &arena->lock_busy, &arena->lock_reentered, &arena->stuck);
}

/* Gives the memory back, so that it is zeros again. */
static void clear(struct graft_map *map, uint64_t page, uint64_t count)
{
    void *memory = (char *)graft_data(map) + page * PAGE;
    if (graft_call(SYS_MADVISE, (long)memory, (long)(count * PAGE), MADV_REMOVE, 0, 0, 0))
        graft_zero(memory, count * PAGE);
}

INLINE uint64_t page_of(struct graft_arena *arena, uint64_t address)
{
    return (uint32_t)(address - arena->start) >> PAGE_SHIFT;
}

/* Marks a range as used when none of it is, one anywhere without an address. Its first page, or NONE. */
static uint64_t take(struct graft_map *map, uint64_t address, uint64_t count)
{
    struct graft_arena *arena = header(map);
    uint64_t *bits = words(arena), page = page_of(arena, address);
    if (lock(arena))
        return NONE;
    if (!address)
        page = find_gap(bits, map->max_entries, count);
    else if (in_use(bits, page) || run_length(bits, page, page + count) < count)
        page = NONE;
    if (page != NONE)
        set_range(bits, page, count, 1);
    graft_unlock(&arena->lock);
    return page;
}

/* The memory is the caller's, who has not got the address yet, when it is cleared. */
EXPORT uint64_t graft_helper_arena_alloc_pages(
    struct graft_map *map, uint64_t address, uint32_t count, int32_t node, uint64_t flags)
{
    struct graft_arena *arena = header(map);
    (void)node;
    if (flags || !count || count > map->max_entries || address % PAGE)
        return 0;
    if (address && page_of(arena, address) > map->max_entries - count)
        return 0;
    uint64_t page = take(map, address, count);
    if (page == NONE)
        return 0;
    clear(map, page, count);
    return arena->start + page * PAGE;
}

/* What lies outside is left out. */
EXPORT void graft_helper_arena_free_pages(struct graft_map *map, uint64_t address, uint32_t count)
{
    struct graft_arena *arena = header(map);
    uint64_t page = page_of(arena, address & ~(uint64_t)(PAGE - 1));
    if (!address || page >= map->max_entries)
        return;
    uint64_t left = map->max_entries - page, pages = count < left ? count : left;
    if (!pages)
        return;
    clear(map, page, pages);
    if (lock(arena))
        return;
    set_range(words(arena), page, pages, 0);
    graft_unlock(&arena->lock);
}

/* The pages are given to nobody. */
EXPORT long graft_helper_arena_reserve_pages(struct graft_map *map, uint64_t address, uint32_t count)
{
    struct graft_arena *arena = header(map);
    if (!count || address % PAGE)
        return 0;
    if (page_of(arena, address) + count > map->max_entries)
        return -EINVAL;
    uint64_t *bits = words(arena), page = page_of(arena, address);
    if (lock(arena))
        return -EBUSY;
    int taken = in_use(bits, page) || run_length(bits, page, page + count) < count;
    if (!taken)
        set_range(bits, page, count, 1);
    graft_unlock(&arena->lock);
    return taken ? -EBUSY : 0;
}
