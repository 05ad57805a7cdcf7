/*
 * Timers in values (struct bpf_timer). Runs in the target, anywhere (see runtime.h). Takes no lock, waits for nobody but a function
 * that is running, and makes no system call but to wake the daemon, which runs the functions. What only the daemon knows is not
 * needed: `due` says whether a timer is armed and for when, so whoever changes it has started or cancelled. Ordering rules: what
 * graft_timers says (map.layout). Who ends a timer takes its state first, and who starts one looks at the state once more afterwards,
 * so none is left armed in an element that is gone.
 */
#include "runtime.h"

enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_BOOTTIME = 7, TIMER_ABS = 1, TIMER_CPU_PIN = 2 };
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 };

#define NAPS 1000
#define NAP_NANOS 100000
#define CONFINED_PAUSES 4096

static struct graft_timers *area_of(const struct graft_map *map)
{
    const struct graft_hash *hash = (void *)graft_base(map);
    uint64_t bytes = map->type == MAP_ARRAY ? (uint64_t)map->max_entries * map->stride
                                            : (uint64_t)hash->capacity * hash->element_size;
    return (void *)(graft_data(map) + ((bytes + 63) & ~63ull));
}

/* Of a timer that is initialised. */
INLINE struct graft_timers *area_at(const struct graft_timer *timer, uint64_t state)
{
    return (void *)((uint64_t)timer + (state >> GRAFT_TIMER_AREA_SHIFT) * 8);
}

INLINE uint64_t state_of(const struct graft_timer *timer) { return __atomic_load_n(&timer->state, __ATOMIC_SEQ_CST); }

INLINE int set_state(struct graft_timer *timer, uint64_t *seen, uint64_t state)
{
    return __atomic_compare_exchange_n(&timer->state, seen, state, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* As in the kernel, the real-time clock is not used: its timers are relative when they are made, and those go by the monotonic clock. */
EXPORT long graft_helper_timer_init(struct graft_timer *timer, const struct graft_map *map, uint64_t flags)
{
    uint64_t none = 0, state = GRAFT_TIMER_INITIALISED;
    if (flags != CLOCK_MONOTONIC && flags != CLOCK_REALTIME && flags != CLOCK_BOOTTIME)
        return -EINVAL;
    if (flags == CLOCK_BOOTTIME)
        state |= GRAFT_TIMER_BOOT_CLOCK;
    state |= ((uint64_t)area_of(map) - (uint64_t)timer) / 8 << GRAFT_TIMER_AREA_SHIFT;
    return set_state(timer, &none, state) ? 0 : -EBUSY;
}

/* The compiler gives the function as its number. */
EXPORT long graft_helper_timer_set_callback(struct graft_timer *timer, uint64_t function)
{
    uint64_t state = state_of(timer);
    do {
        if (!state)
            return -EINVAL;
    } while (!set_state(timer, &state, (state & ~(uint64_t)GRAFT_TIMER_FUNCTION) | function << GRAFT_TIMER_FUNCTION_SHIFT));
    return 0;
}

static uint64_t when(uint64_t state, uint64_t nanos, uint64_t flags)
{
    int64_t at = (int64_t)nanos;
    if (flags & TIMER_ABS)
        return at < 0 ? 0 : at > (int64_t)GRAFT_TIMER_WHEN ? GRAFT_TIMER_WHEN : (uint64_t)at;
    uint64_t now = state & GRAFT_TIMER_BOOT_CLOCK ? graft_boot_nanos() : graft_kernel_nanos();
    return at < 0 || (uint64_t)at > GRAFT_TIMER_WHEN - now ? GRAFT_TIMER_WHEN : now + (uint64_t)at;
}

INLINE void set_bit(uint64_t *bits, uint64_t number)
{
    uint64_t *word = bits + number / 64, bit = 1ull << (number & 63);
    if (!(__atomic_load_n(word, __ATOMIC_SEQ_CST) & bit))
        __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
}

static void tell(struct graft_timers *area, const struct graft_timer *timer)
{
    uint64_t number = (area->first - ((uint64_t)area - (uint64_t)timer)) / area->element_size;
    uint64_t *elements = (uint64_t *)(area + 1);
    if (number >= area->elements) /* somebody has written over it */
        return;
    set_bit(elements, number);
    set_bit(elements + ((uint64_t)area->elements + 63) / 64, number / 64);
    if (__atomic_load_n(&area->asleep, __ATOMIC_SEQ_CST) && __atomic_exchange_n(&area->asleep, 0, __ATOMIC_SEQ_CST)) {
        __atomic_fetch_add(&area->bell, 1, __ATOMIC_SEQ_CST);
        graft_call(SYS_FUTEX, (long)&area->bell, FUTEX_WAKE, 1, 0, 0, 0);
    }
}

EXPORT long graft_helper_timer_start(struct graft_timer *timer, uint64_t nanos, uint64_t flags)
{
    uint64_t state = state_of(timer);
    if (flags & ~(uint64_t)(TIMER_ABS | TIMER_CPU_PIN) || !(state & GRAFT_TIMER_FUNCTION))
        return -EINVAL;
    uint64_t due = GRAFT_TIMER_ARMED | when(state, nanos, flags);
    uint64_t seen = __atomic_load_n(&timer->due, __ATOMIC_SEQ_CST), stored;
    do {
        /* The daemon will look at it before then in any case. */
        int later = (seen & GRAFT_TIMER_SEEN) && (seen & GRAFT_TIMER_WHEN) <= (due & GRAFT_TIMER_WHEN);
        stored = later ? due | GRAFT_TIMER_SEEN : due;
    } while (!__atomic_compare_exchange_n(&timer->due, &seen, stored, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    if (!(state_of(timer) & GRAFT_TIMER_FUNCTION)) /* cancelled or deleted meanwhile, which may not have seen that it is armed */
        __atomic_compare_exchange_n(&timer->due, &stored, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    else if (!(stored & GRAFT_TIMER_SEEN))
        tell(area_at(timer, state), timer);
    return 0;
}

INLINE long disarm(struct graft_timer *timer)
{
    return __atomic_exchange_n(&timer->due, 0, __ATOMIC_SEQ_CST) ? 1 : 0;
}

/* A daemon that is stopped in the middle of a function is not waited for for ever. */
static void await_function(struct graft_timer *timer)
{
    const int64_t nap[2] = {0, NAP_NANOS};
    for (int naps = 0; naps < NAPS && !graft_daemon_is_dead(); naps++) {
        uint64_t state = state_of(timer);
        if (!(state & GRAFT_TIMER_RUNNING))
            return;
        if (graft_call(SYS_FUTEX, (long)&timer->state, FUTEX_WAIT, (long)(uint32_t)state, (long)nap, 0, 0) == -EPERM)
            for (int i = 0; i < CONFINED_PAUSES; i++)
                __builtin_ia32_pause();
    }
}

EXPORT long graft_helper_timer_cancel(struct graft_timer *timer)
{
    uint64_t state = state_of(timer);
    do {
        if (!state)
            return -EINVAL;
    } while (!set_state(timer, &state, state & ~(uint64_t)GRAFT_TIMER_FUNCTION));
    long armed = disarm(timer);
    if (state_of(timer) & GRAFT_TIMER_RUNNING) {
        await_function(timer);
        armed |= disarm(timer);
    }
    return armed;
}
