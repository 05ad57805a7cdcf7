/*
 * Whether a stopped thread can still come into a pool. It can when it is there; when a signal has interrupted it there,
 * which the frame on its stack says; and when a wrapped function returns there, which the return slots say. Pool code
 * calls nothing outside but the vDSO's clock, so a thread elsewhere has no other way back, and words on its stack that
 * look like addresses in a pool are left from earlier. They count only while the vDSO may be on the way. When nothing
 * but wrapped functions leads back, their stack words get the addresses that they held before the wrapping: a function
 * that sleeps for days need not end. Runs in the daemon. Uses no libc. Ordering rule: all threads are stopped before and
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
static enum wrap wrap_of(struct graft_stop *stop, const struct graft_idle *idle, const struct graft_return_slot *slot)
{
    uint64_t word;
    /* Without an address it is a slot that waits for the next call at the same depth. */
    if (!slot->slot || !slot->address) return NOT_WRAPPED;
    if (graft_memory_read(stop, slot->slot, &word, sizeof word) != sizeof word) return NOT_WRAPPED;
    if (in_pool(idle, word)) return WRAPPED;
    return in_one_of(POINTER(uint64_t, idle->others), idle->other_count, word) ? WRAPPED_AGAIN : NOT_WRAPPED;
}

/* Where the function returned to before anything was wrapped; 0 when it is not known. */
static uint64_t original(const struct graft_idle *idle, const struct graft_return_slot *slot,
                         const struct graft_return_slot *tails)
{
    uint64_t address = slot->address & ~GRAFT_TAKEN_OVER;
    if (!in_pool(idle, address)) return address;
    for (uint64_t i = 0; i < GRAFT_TAIL_SLOTS; i++) {
        address = tails[i].address & ~GRAFT_TAKEN_OVER;
        if ((tails[i].slot & -8ull) == slot->slot && address && !in_pool(idle, address)) return address;
    }
    return 0;
}

/* 0: no wrapped function is under way any more; 1: one is. */
static long unwrap(struct graft_stop *stop, const struct graft_idle *idle, uint64_t table)
{
    uint64_t buffer = POINTER(struct graft_stacks, stop->stacks)->buffer;
    struct graft_return_slot *slots = POINTER(struct graft_return_slot, buffer), *tails = slots + GRAFT_RETURN_SLOTS;
    uint64_t size = GRAFT_RETURN_SLOTS * sizeof *slots, tails_size = GRAFT_TAIL_SLOTS * sizeof *tails;
    uint64_t tail_table = table - GRAFT_RETURN_SLOTS_OFFSET + GRAFT_TAIL_SLOTS_OFFSET;
    if (graft_memory_read(stop, table, slots, size) != (long)size) return 0;
    if (graft_memory_read(stop, tail_table, tails, tails_size) != (long)tails_size) return 0;
    for (uint64_t i = 0; i < GRAFT_RETURN_SLOTS; i++) {
        enum wrap wrap = wrap_of(stop, idle, &slots[i]);
        if (wrap == NOT_WRAPPED) continue;
        if (wrap == WRAPPED_AGAIN) return 1;
        uint64_t address = original(idle, &slots[i], tails);
        if (!address || idle->keep_wraps) return 1;
        if (graft_text_write(stop, slots[i].slot, &address, sizeof address)) return 1;
    }
    return 0;
}

/* 0: no thread can; 1: one may. */
long graft_idle_check(struct graft_stop *stop, struct graft_operation *op)
{
    const struct graft_idle *idle = POINTER(struct graft_idle, op->a);
    uint64_t *threads = POINTER(uint64_t, stop->threads);
    for (uint32_t i = 0; i < stop->thread_count; i++) {
        struct graft_tracee *thread = POINTER(struct graft_tracee, threads[i]);
        if (thread->state != GRAFT_TRACEE_STOPPED) continue;
        if (in_pool(idle, thread->registers[RIP])) return 1;
        if (may_return(stop, idle, thread)) return 1;
    }
    const uint64_t *tables = POINTER(uint64_t, idle->slots);
    for (uint64_t i = 0; i < idle->slot_tables; i++)
        if (unwrap(stop, idle, tables[i])) return 1;
    return 0;
}
