/*
 * Locks in values (struct bpf_spin_lock). Runs in the target, anywhere (see runtime.h). A word of 32 bits: 0, or its owner, and how
 * often that has taken it again. What keeps a thread from waiting for ever: the program of a signal's handler goes on when the
 * program that the signal interrupted holds the lock; a lock whose owner is gone, or that is not left in time because its owner is
 * stopped, is taken over, and so is one that somebody writes other owners into for ever. Ordering rule: whoever leaves a lock compares the word first, as it may be another's by now.
 */
#include "runtime.h"

#define YIELDS 50
#define NAPS 1000
#define NAP_NANOS 100000
#define PATIENCE_NANOS 10000000000ull
#define CONFINED_PAUSES 4096

enum { FUTEX_WAIT = 0, ESRCH = 3 };

INLINE uint32_t this_owner(void)
{
    return (graft_tid() & GRAFT_SPIN_OWNER) | (graft_config()->translated ? GRAFT_SPIN_ELSEWHERE : 0);
}

INLINE int exchanged(uint32_t *lock, uint32_t seen, uint32_t word)
{
    return __atomic_compare_exchange_n(lock, &seen, word, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* This thread holds it already: a signal has interrupted the program that does. */
static int taken_again(uint32_t *lock, uint32_t me)
{
    uint32_t word = __atomic_load_n(lock, __ATOMIC_RELAXED);
    if ((word & ~(uint32_t)GRAFT_SPIN_AGAIN) != me)
        return 0;
    if ((word & GRAFT_SPIN_AGAIN) == GRAFT_SPIN_AGAIN)
        return 1;
    return exchanged(lock, word, word + GRAFT_SPIN_ONCE);
}

/* Only the kernel knows; a thread is asked for by the number that it has here. */
static int is_gone(uint32_t word)
{
    char byte;
    uint64_t here[2] = {(uint64_t)&byte, 1}, there[2] = {0, 1};
    if ((word & GRAFT_SPIN_ELSEWHERE) || graft_config()->translated)
        return 0;
    return graft_call(SYS_PROCESS_VM_READV, word & GRAFT_SPIN_OWNER, (long)here, 1, (long)there, 1, 0) == -ESRCH;
}

static void nap(uint32_t *lock, uint32_t word)
{
    const int64_t time[2] = {0, NAP_NANOS};
    if (graft_call(SYS_FUTEX, (long)lock, FUTEX_WAIT, (long)word, (long)time, 0, 0) == -EPERM)
        for (int i = 0; i < CONFINED_PAUSES; i++)
            __builtin_ia32_pause();
}

/* Another's word that stays the same for so long, or whose owner is gone, is replaced; any word when that takes too long. */
static void wait_and_take(uint32_t *lock, uint32_t me)
{
    uint32_t waited_for = 0;
    uint64_t began = graft_monotonic_nanos();
    for (int naps = 0;;) {
        uint32_t word = __atomic_load_n(lock, __ATOMIC_RELAXED);
        if (!word) {
            if (exchanged(lock, 0, me))
                return;
            continue;
        }
        if (word != waited_for) {
            waited_for = word;
            naps = 0;
        }
        if (++naps > NAPS || is_gone(word) || graft_monotonic_nanos() - began > PATIENCE_NANOS) {
            if (!exchanged(lock, word, me))
                continue;
            __atomic_fetch_add(&graft_config()->locks_taken_over, 1, __ATOMIC_RELAXED);
            return;
        }
        nap(lock, word);
    }
}

void graft_spin_lock(uint32_t *lock)
{
    uint32_t me = this_owner();
    if (exchanged(lock, 0, me) || taken_again(lock, me))
        return;
    for (int i = 0; i < GRAFT_BACK_OFFS + YIELDS; i++) {
        if (!__atomic_load_n(lock, __ATOMIC_RELAXED) && exchanged(lock, 0, me))
            return;
        if (i < GRAFT_BACK_OFFS)
            graft_back_off(i);
        else
            graft_call(SYS_SCHED_YIELD, 0, 0, 0, 0, 0, 0);
    }
    wait_and_take(lock, me);
}

void graft_spin_unlock(uint32_t *lock)
{
    uint32_t word = __atomic_load_n(lock, __ATOMIC_RELAXED);
    if ((word & ~(uint32_t)GRAFT_SPIN_AGAIN) == this_owner())
        exchanged(lock, word, word & GRAFT_SPIN_AGAIN ? word - GRAFT_SPIN_ONCE : 0);
}

/* All of a value but its lock and timer. */
void graft_copy_around_fields(const struct graft_map *map, void *to, const void *from)
{
    uint32_t size = map->value_size;
    uint32_t lock = map->lock ? map->lock - 1 : size, timer = map->inner_or_timer ? map->inner_or_timer - 1 : size;
    for (uint32_t at = 0; at < size;) {
        uint32_t end = size;
        if (lock >= at && lock < end)
            end = lock;
        if (timer >= at && timer < end)
            end = timer;
        graft_copy((char *)to + at, (const char *)from + at, end - at);
        at = end + (end == lock ? sizeof(uint32_t) : sizeof(struct graft_timer));
    }
}

EXPORT void graft_helper_spin_lock(uint32_t *lock) { graft_spin_lock(lock); }
EXPORT void graft_helper_spin_unlock(uint32_t *lock) { graft_spin_unlock(lock); }
