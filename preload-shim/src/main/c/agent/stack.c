/*
 * Stack traces: walking by frame pointers, as the kernel does for a uprobe, or by tables (unwind.c), and the map that keeps them.
 * Runs in the target, anywhere (see runtime.h). A frame pointer that leads to unreadable memory ends the walk. Traces that are known take no
 * lock; a new one is put in under the map's. Ordering rule: a trace is complete before the store that names it in a bucket.
 */
#include "stack.h"

enum {
    SKIP_FIELD_MASK = 0xff, USER_STACK = 1 << 8, FAST_STACK_CMP = 1 << 9, REUSE_STACKID = 1 << 10, USER_BUILD_ID = 1 << 11
};
enum { RETURN_SET = 8, PAGE_SHIFT = 12, STACK_SHIFT = 23, PAGES_TRIED = 32, PAGES_APART = 2533, HASH = 0x61c88647, POOLS_OF_A_WORD = 8 };

/* The runtime region of the pool that an address lies in, or 0. */
char *graft_runtime_of(uint64_t address)
{
    char *mine = graft_runtime(), *runtime = mine;
    do {
        struct graft_config *config = (void *)(runtime + GRAFT_CONFIG_OFFSET);
        if (address - (uint64_t)(runtime + GRAFT_RUNTIME_SIZE) < config->pool_size)
            return runtime;
        runtime = (char *)config->next_pool - GRAFT_RUNTIME_SIZE;
    } while (runtime != mine);
    return 0;
}

/* The set of slots that a stack word may be in. */
INLINE struct graft_return_slot *set_of(char *table, uint32_t slots, uint64_t word)
{
    uint32_t mask = (slots - RETURN_SET) * (uint32_t)sizeof(struct graft_return_slot);
    return (void *)(table + ((uint32_t)word * (uint32_t)HASH >> 16 & mask));
}

/* What the word's page has for it, or 0: the page of what it held last, or of the tail of a number. */
static uint64_t kept_in_page(uint64_t pages, uint64_t word, uint32_t tail)
{
    if (!pages)
        return 0;
    uint64_t page = word >> PAGE_SHIFT | (uint64_t)tail << GRAFT_TAIL_PAGE_BIT;
    uint32_t index = (uint32_t)(word >> STACK_SHIFT) * (uint32_t)HASH + (uint32_t)page + tail * GRAFT_TAIL_PAGES_APART;
    for (int tries = 0; tries < PAGES_TRIED; tries++, index += PAGES_APART) {
        uint64_t key = ((uint64_t *)pages)[index &= GRAFT_RETURN_PAGES - 1];
        if (key == page)
            return *(uint64_t *)(pages + 8ull * GRAFT_RETURN_PAGES + ((uint64_t)index << PAGE_SHIFT) + (word & 0xff8));
        if (!key)
            break;
    }
    return 0;
}

/* What one pool has for a word, or 0; an address of another pool when calls of both are wrapped there (graft-gdb.py). */
static uint64_t kept_by(char *runtime, uint64_t word)
{
    uint64_t kept = 0, pages = ((struct graft_config *)(runtime + GRAFT_CONFIG_OFFSET))->return_pages;
    struct graft_return_slot *slot = set_of(runtime + GRAFT_RETURN_SLOTS_OFFSET, GRAFT_RETURN_SLOTS, word);
    for (int i = 0; i < RETURN_SET && !kept; i++)
        if (slot[i].slot == word)
            kept = slot[i].address;
    if (!kept)
        kept = kept_in_page(pages, word, 0);
    if (!(kept & GRAFT_TAKEN_OVER))
        return kept;
    slot = set_of(runtime + GRAFT_TAIL_SLOTS_OFFSET, GRAFT_TAIL_SLOTS, word);
    for (int i = 0; i < RETURN_SET; i++)
        if (slot[i].slot == word + 1)
            return slot[i].address;
    return kept_in_page(pages, word, 1);
}

/* What a stack word held before its call was wrapped, when `address` is in it now. */
uint64_t graft_original(uint64_t word, uint64_t address)
{
    for (int pools = 0; pools < POOLS_OF_A_WORD; pools++) {
        char *runtime = graft_runtime_of(address);
        uint64_t kept = runtime ? kept_by(runtime, word) : 0;
        if (!kept)
            break;
        address = kept;
    }
    return address;
}

/* At a return the instruction pointer is what was in the word below the stack pointer. */
static void walk_frames(struct trace *trace, struct registers from)
{
    uint64_t frame[2], top, fp = from.all[REGS_BP], sp = from.all[REGS_SP];
    graft_add(trace, graft_original(sp - 8, from.all[REGS_IP]));
    if (from.at_entry && graft_read(&top, sizeof(top), sp))
        graft_add(trace, graft_original(sp, top));
    while (trace->found < trace->most && graft_read(frame, sizeof(frame), fp)) {
        graft_add(trace, graft_original(fp + 8, frame[1]));
        fp = frame[0];
    }
}

static void walk(struct trace *trace, const uint64_t *context)
{
    if (graft_config()->unwind)
        graft_unwind(trace, graft_registers(context));
    else
        walk_frames(trace, graft_registers(context));
}

static uint32_t most(uint32_t size, uint64_t flags)
{
    uint32_t wanted = size / 8 + (uint32_t)(flags & SKIP_FIELD_MASK), limit = graft_config()->max_stack;
    return wanted < limit ? wanted : limit;
}

/* Of the kernel's stack, which is what programs get without USER_STACK, nothing is known here, nor in a uprobe. */
EXPORT long graft_helper_get_stack(const uint64_t *context, char *to, uint32_t size, uint64_t flags)
{
    struct trace trace = {(void *)to, (uint32_t)(flags & SKIP_FIELD_MASK), most(size, flags), 0};
    long result = -EINVAL;
    if (flags & USER_BUILD_ID && flags & USER_STACK)
        result = -EOPNOTSUPP;
    else if (!(flags & ~(uint64_t)(SKIP_FIELD_MASK | USER_STACK)) && size % 8 == 0) {
        if (flags & USER_STACK)
            walk(&trace, context);
        result = trace.found < trace.skip ? -EFAULT : (long)(trace.found - trace.skip) * 8;
    }
    uint32_t filled = result > 0 ? (uint32_t)result : 0;
    graft_zero(to + filled, size - filled);
    return result;
}

INLINE uint32_t rotated(uint32_t word, int by) { return word << by | word >> (32 - by); }

/* Bob Jenkins' lookup3 of `length` words, as the kernel's jhash2. */
static uint32_t hash_of(const uint32_t *words, uint32_t length)
{
    uint32_t a = 0xdeadbeef + (length << 2), b = a, c = a;
    for (; length > 3; length -= 3, words += 3) {
        a += words[0], b += words[1], c += words[2];
        a = (a - c) ^ rotated(c, 4), c += b;
        b = (b - a) ^ rotated(a, 6), a += c;
        c = (c - b) ^ rotated(b, 8), b += a;
        a = (a - c) ^ rotated(c, 16), c += b;
        b = (b - a) ^ rotated(a, 19), a += c;
        c = (c - b) ^ rotated(b, 4), b += a;
    }
    c += length > 2 ? words[2] : 0;
    b += length > 1 ? words[1] : 0;
    a += words[0];
    c = (c ^ b) - rotated(b, 14);
    a = (a ^ c) - rotated(c, 11);
    b = (b ^ a) - rotated(a, 25);
    c = (c ^ b) - rotated(b, 16);
    a = (a ^ c) - rotated(c, 4);
    b = (b ^ a) - rotated(a, 14);
    return (c ^ b) - rotated(b, 24);
}

/* A trace as it was walked. */
struct walked {
    const uint64_t *addresses;
    uint32_t length;
    uint32_t hash;
    uint64_t flags;
};

INLINE struct graft_traces *traces_of(struct graft_map *map) { return (void *)graft_base(map); }

INLINE struct graft_trace *trace_at(struct graft_map *map, uint32_t name)
{
    return (void *)(graft_data(map) + (uint64_t)(name - 1) * traces_of(map)->trace_size);
}

INLINE uint64_t *addresses_of(struct graft_trace *trace) { return (void *)(trace + 1); }

INLINE uint32_t *bucket_at(struct graft_map *map, uint32_t id)
{
    return (uint32_t *)(graft_base(map) + GRAFT_TRACES_BUCKETS_OFFSET) + id;
}

static int is_same(struct graft_trace *trace, const struct walked *walked)
{
    if (trace->hash != walked->hash)
        return 0;
    if (walked->flags & FAST_STACK_CMP)
        return 1;
    if (trace->length != walked->length)
        return 0;
    for (uint32_t i = 0; i < walked->length; i++)
        if (addresses_of(trace)[i] != walked->addresses[i])
            return 0;
    return 1;
}

enum state { KNOWN, TAKEN, OPEN };

static enum state state_of(struct graft_map *map, uint32_t id, const struct walked *walked)
{
    uint32_t name = __atomic_load_n(bucket_at(map, id), __ATOMIC_ACQUIRE);
    if (!name || name > map->max_entries)
        return OPEN;
    if (is_same(trace_at(map, name), walked))
        return KNOWN;
    return walked->flags & REUSE_STACKID ? OPEN : TAKEN;
}

static uint32_t take(struct graft_map *map)
{
    struct graft_traces *traces = traces_of(map);
    uint32_t name = traces->free;
    if (name && name <= map->max_entries)
        traces->free = trace_at(map, name)->next;
    else if (traces->fresh < map->max_entries)
        name = ++traces->fresh;
    else
        return 0;
    return name;
}

/* With the lock. As in the kernel, the trace that is replaced is free only afterwards. */
static long put(struct graft_map *map, uint32_t id, const struct walked *walked)
{
    struct graft_traces *traces = traces_of(map);
    uint32_t *bucket = bucket_at(map, id), name = take(map), replaced = *bucket;
    if (!name)
        return -ENOMEM;
    struct graft_trace *trace = trace_at(map, name);
    uint32_t bytes = walked->length * 8;
    trace->hash = walked->hash;
    trace->length = walked->length;
    graft_copy(addresses_of(trace), walked->addresses, bytes);
    graft_zero((char *)addresses_of(trace) + bytes, map->value_size - bytes);
    __atomic_store_n(bucket, name, __ATOMIC_RELEASE);
    if (replaced && replaced <= map->max_entries) {
        trace_at(map, replaced)->next = traces->free;
        traces->free = replaced;
    }
    return 0;
}

static long kept(struct graft_map *map, const struct walked *walked)
{
    struct graft_traces *traces = traces_of(map);
    uint32_t id = walked->hash & traces->bucket_mask;
    enum state state = state_of(map, id, walked);
    if (state == OPEN) {
        long result = graft_lock(&traces->lock, &traces->lock_busy, &traces->lock_reentered, &traces->stuck);
        if (result)
            return result;
        state = state_of(map, id, walked);
        result = state == OPEN ? put(map, id, walked) : 0;
        graft_unlock(&traces->lock);
        if (result)
            return result;
    }
    return state == TAKEN ? -EEXIST : (long)id;
}

#pragma GCC diagnostic ignored "-Wstack-usage=" /* a trace of 127 addresses has no other place */

EXPORT long graft_helper_get_stackid(const uint64_t *context, struct graft_map *map, uint64_t flags)
{
    uint64_t addresses[GRAFT_TRACE_ADDRESSES_MAX];
    struct trace trace = {addresses, (uint32_t)(flags & SKIP_FIELD_MASK), most(map->value_size, flags), 0};
    if (flags & ~(uint64_t)(SKIP_FIELD_MASK | USER_STACK | FAST_STACK_CMP | REUSE_STACKID))
        return -EINVAL;
    if (flags & USER_STACK)
        walk(&trace, context);
    if (trace.found <= trace.skip)
        return -EFAULT;
    uint32_t length = trace.found - trace.skip;
    struct walked walked = {addresses, length, hash_of((const uint32_t *)addresses, 2 * length), flags};
    return kept(map, &walked);
}
