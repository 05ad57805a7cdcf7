/*
 * Reading and writing the target's text through /proc/PID/mem, and moving program counters. Runs in the daemon while all
 * threads of the target are stopped. Uses no libc. Ordering rule: program counters are moved before text changes.
 */
#include "tracer.h"

enum { SYSCALL_BYTES = 2 };

static long failed(struct graft_stop *stop, uint64_t place, long result)
{
    stop->place = place;
    return result < 0 ? result : -EIO;
}

long graft_text_write(struct graft_stop *stop, uint64_t to, const void *from, uint64_t size)
{
    long done = graft_syscall(SYS_PWRITE64, stop->memory, (long)from, (long)size, (long)to, 0, 0);
    return (uint64_t)done == size ? 0 : failed(stop, to, done);
}

static long read_text(struct graft_stop *stop, uint64_t from, uint8_t *to, uint64_t size)
{
    if (size > GRAFT_SPAN_MAX) return -EINVAL;
    long done = graft_syscall(SYS_PREAD64, stop->memory, (long)to, (long)size, (long)from, 0, 0);
    return (uint64_t)done == size ? 0 : failed(stop, from, done);
}

static long equal(const uint8_t *a, const uint8_t *b, uint64_t size)
{
    uint64_t i = 0;
    for (; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) {
        uint64_t left, right;
        __builtin_memcpy(&left, a + i, sizeof left);
        __builtin_memcpy(&right, b + i, sizeof right);
        if (left != right) return 0;
    }
    for (; i < size; i++)
        if (a[i] != b[i]) return 0;
    return 1;
}

long graft_text_verify(struct graft_stop *stop, struct graft_operation *op)
{
    uint8_t *now = POINTER(uint8_t, stop->span);
    long result = read_text(stop, op->a, now, op->c);
    if (result) return result;
    return equal(now, POINTER(uint8_t, op->b), op->c) ? 0 : failed(stop, op->a, -EUCLEAN);
}

/* 0: the original bytes are there now; 1: others than they or ours are, left alone. */
long graft_text_restore(struct graft_stop *stop, struct graft_operation *op)
{
    uint8_t *now = POINTER(uint8_t, stop->span);
    const uint8_t *original = POINTER(uint8_t, op->b);
    long result = read_text(stop, op->a, now, op->d);
    if (result) return result;
    if (equal(now, POINTER(uint8_t, op->c), op->d)) return graft_text_write(stop, op->a, original, op->d);
    return !equal(now, original, op->d);
}

static long move(struct graft_tracee *thread, uint64_t to)
{
    thread->registers[RIP] = to;
    graft_tracee_repair(thread);
    return graft_tracee_write(thread);
}

static long leave_frames(struct graft_stop *stop, const struct graft_operation *op, const struct graft_tracee *thread)
{
    uint64_t pointer = thread->registers[RSP];
    for (uint32_t depth = 0; pointer && depth < GRAFT_STACKS_MAX; depth++) {
        struct graft_stack stack;
        graft_stack_read(stop, pointer, &stack);
        for (long i = 0; i < stack.count; i++) {
            if (stack.words[i] != op->a || !graft_stack_is_frame(&stack, i)) continue;
            long result = graft_stack_write(stop, &stack, i, op->d);
            if (result) return result;
        }
        pointer = graft_stack_below(&stack);
    }
    return 0;
}

/*
 * Threads that have just jumped to a jump of ours, or whose handler returns there, go back to where they came from, before
 * it is taken away.
 */
long graft_text_leave(struct graft_stop *stop, struct graft_operation *op)
{
    uint8_t *now = POINTER(uint8_t, stop->span);
    uint64_t *threads = POINTER(uint64_t, stop->threads);
    long result = read_text(stop, op->a, now, op->c);
    if (result) return result;
    if (!equal(now, POINTER(uint8_t, op->b), op->c)) return 0; /* restored already */
    for (uint32_t i = 0; i < stop->thread_count; i++) {
        struct graft_tracee *thread = POINTER(struct graft_tracee, threads[i]);
        if (thread->state != GRAFT_TRACEE_STOPPED) continue;
        result = leave_frames(stop, op, thread);
        if (!result && thread->registers[RIP] == op->a) result = move(thread, op->d);
        if (result) return result;
    }
    return 0;
}

/* Where the thread is to be instead: 0 when it is in no window, 1 when there is no such place. */
static uint64_t destination(const struct graft_operation *op, uint64_t next, uint64_t *site)
{
    const struct graft_window *windows = POINTER(struct graft_window, op->a);
    uint64_t low = 0, high = op->b; /* windows are in ascending order and do not overlap */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (windows[middle].end <= next) low = middle + 1;
        else high = middle;
    }
    if (low < op->b && next > windows[low].start) {
        uint64_t i = low;
        const uint64_t *moves = POINTER(uint64_t, windows[i].moves);
        for (uint64_t m = 0; m < windows[i].move_count; m++)
            if (moves[2 * m] == next) return moves[2 * m + 1];
        *site = windows[i].site;
        return 1;
    }
    return 0;
}

/* One that looks counts; one that moves is needed only when something was counted. */
enum pass { LOOK, MOVE };

static long blocked(struct graft_stop *stop, const struct graft_tracee *thread, uint64_t site)
{
    stop->culprit = thread->tid;
    return failed(stop, site, -EBUSY);
}

/* The handlers under way return to where the windows have gone. */
static long visit_frames(struct graft_stop *stop, const struct graft_operation *op, const struct graft_tracee *thread,
                         enum pass pass, long *found)
{
    uint64_t pointer = thread->registers[RSP], site = 0;
    for (uint32_t depth = 0; pointer && depth < GRAFT_STACKS_MAX; depth++) {
        struct graft_stack stack;
        graft_stack_read(stop, pointer, &stack);
        for (long i = 0; i < stack.count; i++) {
            uint64_t to = destination(op, stack.words[i], &site);
            if (to == 0 || !graft_stack_is_frame(&stack, i)) continue;
            if (to == 1) return blocked(stop, thread, site);
            ++*found;
            if (pass == LOOK) continue;
            long result = graft_stack_write(stop, &stack, i, to);
            if (result) return result;
        }
        pointer = graft_stack_below(&stack);
    }
    return 0;
}

static long visit(struct graft_stop *stop, const struct graft_operation *op, enum pass pass, long *found)
{
    uint64_t *threads = POINTER(uint64_t, stop->threads), site = 0;
    for (uint32_t i = 0; i < stop->thread_count; i++) {
        struct graft_tracee *thread = POINTER(struct graft_tracee, threads[i]);
        if (thread->state != GRAFT_TRACEE_STOPPED) continue;
        uint64_t back = graft_tracee_restarts(thread) ? SYSCALL_BYTES : 0;
        uint64_t next = thread->registers[RIP] - back, to = destination(op, next, &site);
        if (to == 1) return blocked(stop, thread, site);
        long result = stop->stacks ? visit_frames(stop, op, thread, pass, found) : 0;
        if (result) return result;
        if (to == 0) continue;
        ++*found;
        if (pass == LOOK) continue;
        result = move(thread, to + back);
        if (result) return result;
    }
    return 0;
}

/* All program counters that are inside a window, of threads and of handlers that have interrupted them, or none. */
long graft_text_move(struct graft_stop *stop, struct graft_operation *op)
{
    long found = 0, result = visit(stop, op, LOOK, &found);
    return result || !found ? result : visit(stop, op, MOVE, &found);
}
