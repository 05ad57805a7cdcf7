/*
 * Whether a stopped thread can still come into a pool. It can when it is there; when a signal has interrupted it there,
 * which the frame on its stack says; and when a wrapped function returns there, which the return slots say. Pool code
 * calls nothing outside but the vDSO's clock, so a thread elsewhere has no other way back, and words on its stack that
 * look like addresses in a pool are left from earlier. They count only while the vDSO may be on the way. When nothing
 * but wrapped functions leads back, their stack words get the addresses that they held before the wrapping: a function
 * that sleeps for days need not end. Of a million of them only so many in one stop: the others are as they were, and those
 * that have their addresses again return past us, so the next stop goes on with it. Runs in the daemon. Uses no libc. Ordering rule: all threads are stopped before and
 * until the answer is used.
 */
#include "tracer.h"

static long in_one_of(const uint64_t *ranges, uint64_t count, uint64_t address)
{
    for (uint64_t i = 0; i < count; i++)
        if (address >= ranges[2 * i] && address < ranges[2 * i + 1]) return 1;
    return 0;
}

static long in_pool(const struct graft_idle *idle, uint64_t address)
{
    return in_one_of(POINTER(uint64_t, idle->pools), idle->pool_count, address);
}

static long in_vdso(const struct graft_idle *idle, uint64_t address)
{
    return address >= idle->vdso_start && address < idle->vdso_end;
}

static long may_return(struct graft_stop *stop, const struct graft_idle *idle, const struct graft_tracee *thread)
{
    uint64_t pointer = thread->registers[RSP];
    long left_over = 0, clock = in_vdso(idle, thread->registers[RIP]);
    for (uint32_t depth = 0; pointer && depth < GRAFT_STACKS_MAX; depth++) {
        struct graft_stack stack;
        graft_stack_read(stop, pointer, &stack);
        for (long i = 0; i < stack.count; i++) {
            long pool = in_pool(idle, stack.words[i]);
            if (!pool && !in_vdso(idle, stack.words[i])) continue;
            long interrupted = graft_stack_is_frame(&stack, i);
            if (pool && interrupted) return 1;
            left_over |= pool;
            clock |= interrupted;
        }
        pointer = graft_stack_below(&stack);
    }
    return left_over && clock;
}

enum wrap { NOT_WRAPPED, WRAPPED, WRAPPED_AGAIN };

/* Another session may have wrapped a call that we had wrapped: its slot holds our address, and gives it back. */
static enum wrap wrap_of(const struct graft_idle *idle, uint64_t word)
{
    if (in_pool(idle, word)) return WRAPPED;
    return in_one_of(POINTER(uint64_t, idle->others), idle->other_count, word) ? WRAPPED_AGAIN : NOT_WRAPPED;
}

enum { PAGE = 4096, PAGE_WORDS = PAGE / 8 };

/* What a stop may do: a page of a stack takes about as long as eight words. */
enum { WORK_MAX = 0x2000, PAGE_WORK = 8 };

/* What the buffer for stacks, which are looked at before, is used for afterwards. */
struct tables {
    struct graft_return_slot slots[GRAFT_RETURN_SLOTS], tails[GRAFT_TAIL_SLOTS];
    uint64_t pages, keys[GRAFT_RETURN_PAGES], kept[PAGE_WORDS], words[PAGE_WORDS], values[PAGE_WORDS];
    uint64_t tail_key, tail_words[PAGE_WORDS]; /* of the page that was looked up last */
    struct { uint64_t address, size; } places[PAGE_WORDS];
};

_Static_assert(sizeof(struct tables) <= GRAFT_STACK_SEARCHED, "the tables have to fit where stacks do");

enum answer { IDLE, BUSY, MORE };

static long read_all(struct graft_stop *stop, uint64_t from, void *to, uint64_t size)
{
    return graft_memory_read(stop, from, to, size) == (long)size;
}

enum { PAGE_SHIFT = 12, STACK_SHIFT = 23, PAGES_TRIED = 32, PAGES_APART = 2533, TAIL_SET = 8, HASH = 0x61c88647 };

/* What a stack word held before the first tail jump, when that is in a page, or 0. */
static uint64_t first_tail_in_page(struct graft_stop *stop, struct tables *tables, uint64_t word)
{
    uint64_t key = word >> PAGE_SHIFT | 1ull << GRAFT_TAIL_PAGE_BIT;
    uint32_t index = (uint32_t)(word >> STACK_SHIFT) * (uint32_t)HASH + (uint32_t)key + GRAFT_TAIL_PAGES_APART;
    if (!tables->pages) return 0;
    for (uint32_t tries = 0; tables->tail_key != key; tries++, index += PAGES_APART) {
        uint64_t there = tables->keys[index &= GRAFT_RETURN_PAGES - 1];
        if (!there || tries == PAGES_TRIED) return 0;
        if (there != key) continue;
        if (!read_all(stop, tables->pages + sizeof tables->keys + index * (uint64_t)PAGE, tables->tail_words, PAGE)) return 0;
        tables->tail_key = key;
        break;
    }
    return tables->tail_words[word % PAGE / 8];
}

/* Where the function returned to before anything was wrapped; 0 when it is not known. */
static uint64_t original(struct graft_stop *stop, const struct graft_idle *idle, const struct graft_return_slot *slot,
                         struct tables *tables)
{
    if (!(slot->address & GRAFT_TAKEN_OVER)) return in_pool(idle, slot->address) ? 0 : slot->address;
    uint64_t address = 0;
    uint32_t set = (uint32_t)slot->slot * (uint32_t)HASH >> 16 & (GRAFT_TAIL_SLOTS - TAIL_SET) * (uint32_t)sizeof *slot;
    const struct graft_return_slot *tails = &tables->tails[set / sizeof *slot];
    for (uint64_t i = 0; i < TAIL_SET && !address; i++)
        if (tails[i].slot == slot->slot + 1) address = tails[i].address;
    if (!address) address = first_tail_in_page(stop, tables, slot->slot);
    return in_pool(idle, address) ? 0 : address;
}

static enum answer unwrap_slots(struct graft_stop *stop, const struct graft_idle *idle, struct tables *tables)
{
    for (uint64_t i = 0; i < GRAFT_RETURN_SLOTS; i++) {
        const struct graft_return_slot *slot = &tables->slots[i];
        uint64_t word;
        /* Without an address it is a slot that waits for the next call at the same depth. */
        if (!slot->slot || !slot->address || !read_all(stop, slot->slot, &word, sizeof word)) continue;
        enum wrap wrap = wrap_of(idle, word);
        if (wrap == NOT_WRAPPED) continue;
        uint64_t address = original(stop, idle, slot, tables);
        if (wrap == WRAPPED_AGAIN || !address || idle->keep_wraps) return BUSY;
        if (graft_text_write(stop, slot->slot, &address, sizeof address)) return BUSY;
    }
    return IDLE;
}

/* Only the words that change are written: the kernel may be writing to others for a call that has begun. */
static enum answer unwrap_page(struct graft_stop *stop, const struct graft_idle *idle, struct tables *tables,
                               uint64_t page, uint64_t *work)
{
    struct { uint64_t address, size; } values = {(uint64_t)(uintptr_t)tables->values, 0};
    uint64_t count = 0;
    for (uint64_t i = 0; i < PAGE_WORDS; i++) {
        struct graft_return_slot slot = {page + 8 * i, tables->kept[i]};
        enum wrap wrap = slot.address ? wrap_of(idle, tables->words[i]) : NOT_WRAPPED;
        if (wrap == NOT_WRAPPED) continue;
        uint64_t address = original(stop, idle, &slot, tables);
        if (wrap == WRAPPED_AGAIN || !address || idle->keep_wraps) return BUSY;
        tables->values[count] = address;
        tables->places[count].address = slot.slot;
        tables->places[count++].size = 8;
    }
    *work += count;
    values.size = 8 * count;
    if (!count) return IDLE;
    long written = graft_syscall(SYS_PROCESS_VM_WRITEV, stop->pid, (long)&values, 1, (long)tables->places, (long)count, 0);
    return written == (long)values.size ? IDLE : BUSY;
}

static enum answer unwrap_pages(struct graft_stop *stop, const struct graft_idle *idle, struct tables *tables)
{
    static const uint64_t unused = GRAFT_RETURN_PAGE_UNUSED;
    uint64_t first = tables->pages + sizeof tables->keys, work = 0;
    for (uint64_t i = 0; i < GRAFT_RETURN_PAGES; i++) {
        uint64_t page = tables->keys[i] * PAGE;
        if (!tables->keys[i] || tables->keys[i] == unused || tables->keys[i] >> GRAFT_TAIL_PAGE_BIT) continue;
        if ((work += PAGE_WORK) > WORK_MAX) return MORE;
        if (read_all(stop, first + i * PAGE, tables->kept, PAGE) && read_all(stop, page, tables->words, PAGE)
            && unwrap_page(stop, idle, tables, page, &work) == BUSY)
            return BUSY;
        if (graft_text_write(stop, tables->pages + 8 * i, &unused, sizeof unused)) return BUSY;
    }
    return IDLE;
}

/* A call that was wrapped anew after its page was left behind is in a slot, so these come first. */
static enum answer unwrap(struct graft_stop *stop, const struct graft_idle *idle, uint64_t table)
{
    struct tables *tables = POINTER(struct tables, POINTER(struct graft_stacks, stop->stacks)->buffer);
    struct graft_config config;
    uint64_t runtime = table - GRAFT_RETURN_SLOTS_OFFSET;
    if (!read_all(stop, table, tables->slots, sizeof tables->slots)) return IDLE;
    if (!read_all(stop, runtime + GRAFT_TAIL_SLOTS_OFFSET, tables->tails, sizeof tables->tails)) return IDLE;
    if (!read_all(stop, runtime + GRAFT_CONFIG_OFFSET, &config, sizeof config)) return IDLE;
    tables->pages = config.return_pages_used ? config.return_pages : 0;
    tables->tail_key = 0;
    if (tables->pages && !read_all(stop, tables->pages, tables->keys, sizeof tables->keys)) tables->pages = 0;
    enum answer answer = unwrap_slots(stop, idle, tables);
    return answer == IDLE && tables->pages ? unwrap_pages(stop, idle, tables) : answer;
}

/* 0: no thread can; 1: one may; 2: more calls are to be ended in another stop. */
long graft_idle_check(struct graft_stop *stop, struct graft_operation *op)
{
    const struct graft_idle *idle = POINTER(struct graft_idle, op->a);
    uint64_t *threads = POINTER(uint64_t, stop->threads);
    for (uint32_t i = 0; i < stop->thread_count; i++) {
        struct graft_tracee *thread = POINTER(struct graft_tracee, threads[i]);
        if (thread->state != GRAFT_TRACEE_STOPPED) continue;
        if (in_pool(idle, thread->registers[RIP]) || may_return(stop, idle, thread)) return BUSY;
    }
    const uint64_t *tables = POINTER(uint64_t, idle->slots);
    for (uint64_t i = 0; i < idle->slot_tables; i++) {
        enum answer answer = unwrap(stop, idle, tables[i]);
        if (answer != IDLE) return answer;
    }
    return IDLE;
}
