/*
 * Numbers of threads in a pid namespace that is not the daemon's. Runs in the target, anywhere (see runtime.h). Takes no lock.
 * The daemon answers; it may be slow, stopped or dead, so every wait has an end. Ordering rule: a key, and a newcomer's token,
 * are stored last.
 */
#include "runtime.h"

enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 };

#define NAPS 100
#define NAP_NANOS 10000000

static struct graft_number *set_of(uint32_t own)
{
    struct graft_number *all = (void *)(graft_config()->numbers + GRAFT_NUMBERS_OFFSET);
    return all + (own & (GRAFT_NUMBERS_SETS - 1)) * GRAFT_NUMBERS_SET;
}

uint32_t graft_ask(uint32_t *bell, uint32_t *answer)
{
    const int64_t nap[2] = {0, NAP_NANOS};
    __atomic_fetch_add(bell, 1, __ATOMIC_SEQ_CST);
    uint32_t number = 0;
    if (graft_call(SYS_FUTEX, (long)bell, FUTEX_WAKE, 1, 0, 0, 0) >= 0)
        for (int i = 0; i < NAPS && !graft_daemon_is_dead(); i++) {
            number = __atomic_load_n(answer, __ATOMIC_ACQUIRE);
            if (number)
                break;
            graft_call(SYS_FUTEX, (long)answer, FUTEX_WAIT, 0, (long)nap, 0, 0);
        }
    return number;
}

static uint32_t ask(uint32_t *answer) { return graft_ask((uint32_t *)(graft_config()->numbers + GRAFT_NUMBERS_BELL), answer); }

/* The entry of a thread, a new one when there is none; none when its set is full. */
static struct graft_number *entry_of(uint64_t key)
{
    struct graft_number *set = set_of((uint32_t)key);
    for (uint32_t i = 0; i < GRAFT_NUMBERS_SET; i++)
        if (__atomic_load_n(&set[i].key, __ATOMIC_ACQUIRE) == key)
            return &set[i];
    for (uint32_t i = 0; i < GRAFT_NUMBERS_SET; i++) {
        uint64_t unused = 0;
        if (__atomic_compare_exchange_n(&set[i].key, &unused, key, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return &set[i];
    }
    return 0;
}

/* Its own number when the daemon does not say. */
uint32_t graft_initial_of(uint32_t own)
{
    struct graft_config *config = graft_config();
    if (own == config->own_tgid && config->tgid != GRAFT_UNKNOWN_PROCESS)
        return config->tgid;
    if (!config->numbers || config->tgid == GRAFT_UNKNOWN_PROCESS)
        return own;
    struct graft_number *entry = entry_of((uint64_t)config->tgid << 32 | own);
    if (!entry)
        return own;
    uint32_t number = __atomic_load_n(&entry->number, __ATOMIC_ACQUIRE);
    if (!number && !__atomic_load_n(&entry->waited, __ATOMIC_RELAXED)) {
        number = ask(&entry->number);
        if (!number)
            __atomic_store_n(&entry->waited, 1, __ATOMIC_RELAXED);
    }
    return number ? number : own;
}

/*
 * Before a thread that may be a new one with a former one's number asks for what it is known by. The daemon has forgotten the former
 * one by the time it answers: that has ended.
 */
void graft_forget_number(uint32_t own)
{
    struct graft_config *config = graft_config();
    struct graft_number *entry = 0;
    if (config->translated && config->numbers && own != config->own_tgid)
        entry = entry_of((uint64_t)config->tgid << 32 | own);
    if (entry) {
        __atomic_store_n(&entry->waited, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&entry->number, 0, __ATOMIC_RELEASE);
    }
}

/* The number that the daemon knows this process by, which has just been forked; 0 when it does not say. */
uint32_t graft_ask_process(uint32_t own)
{
    struct graft_newcomer *all = (void *)(graft_config()->numbers + GRAFT_NEWCOMERS_OFFSET);
    volatile uint64_t token = (__builtin_ia32_rdtsc() ^ (uint64_t)own << 40) | 1; /* here alone, not in its parent or a twin */
    for (uint32_t i = 0; i < GRAFT_NEWCOMERS; i++) {
        struct graft_newcomer *me = &all[(own + i) & (GRAFT_NEWCOMERS - 1)];
        uint32_t unused = 0;
        if (!__atomic_compare_exchange_n(&me->taken, &unused, own, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            continue;
        me->number = 0;
        me->place = (uint64_t)&token;
        __atomic_store_n(&me->token, token, __ATOMIC_RELEASE);
        uint32_t number = ask(&me->number);
        if (!number) { /* an answer may still come: the daemon empties the place, for whoever asks next must not get that */
            __atomic_store_n(&me->place, 0, __ATOMIC_RELEASE);
            return 0;
        }
        graft_config()->pid_namespace = me->pid_namespace;
        __atomic_store_n(&me->token, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&me->taken, 0, __ATOMIC_RELEASE);
        return number;
    }
    return 0;
}
