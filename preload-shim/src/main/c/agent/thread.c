/*
 * Who runs where, and locks. Runs in the target, anywhere (see runtime.h). A lock is waited for with a bound, because
 * its owner may be stopped or may be the very thread that a signal handler interrupted.
 */
#include "runtime.h"

#define SPINS 200
#define YIELDS 50

uint32_t graft_cpu(void)
{
    struct graft_config *config = graft_config();
    uint32_t cpu = ~0u;
    if (config->rseq_offset)
        cpu = graft_thread_word((long)config->rseq_offset + 4);
    if (cpu < config->cpus)
        return cpu;
    if (config->features & GRAFT_FEATURE_RDPID) {
        uint64_t id;
        __asm__ volatile("rdpid %0" : "=r"(id));
        cpu = id & 0xfff;
    } else {
        graft_syscall(SYS_GETCPU, (long)&cpu, 0, 0, 0, 0, 0);
    }
    return cpu < config->cpus ? cpu : 0;
}

static int try_lock(uint64_t *lock, uint64_t me)
{
    uint64_t free = 0;
    return __atomic_compare_exchange_n(lock, &free, me, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

int graft_lock(uint64_t *lock, uint64_t *busy, uint64_t *reentered)
{
    uint64_t me = graft_owner();
    if (try_lock(lock, me))
        return 0;
    if (__atomic_load_n(lock, __ATOMIC_RELAXED) == me) {
        __atomic_fetch_add(reentered, 1, __ATOMIC_RELAXED);
        return -EBUSY;
    }
    for (int i = 0; i < SPINS + YIELDS; i++) {
        if (!__atomic_load_n(lock, __ATOMIC_RELAXED) && try_lock(lock, me))
            return 0;
        if (i < SPINS)
            __builtin_ia32_pause();
        else
            graft_syscall(SYS_SCHED_YIELD, 0, 0, 0, 0, 0, 0);
    }
    __atomic_fetch_add(busy, 1, __ATOMIC_RELAXED);
    return -EBUSY;
}
