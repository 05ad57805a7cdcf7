/*
 * Who runs where, and locks. Runs in the target, anywhere (see runtime.h). A lock is waited for with a bound, because
 * its owner may be stopped or may be the very thread that a signal handler interrupted.
 */
#include "runtime.h"

enum { FUTEX_WAIT = 0 };

#define YIELDS 50
#define NAPS 100
#define NAP_NANOS 100000

/* What the kernel has for the vDSO: the CPU, and its node above 12 bits. */
INLINE uint32_t cpu_and_node(void)
{
    uint64_t id;
    __asm__ volatile("rdpid %0" : "=r"(id));
    return (uint32_t)id;
}

uint32_t graft_node(void)
{
    uint32_t node = 0;
    if (graft_config()->features & GRAFT_FEATURE_RDPID)
        return cpu_and_node() >> 12;
    graft_call(SYS_GETCPU, 0, (long)&node, 0, 0, 0, 0);
    return node;
}

uint32_t graft_cpu_unregistered(void)
{
    struct graft_config *config = graft_config();
    uint32_t cpu = ~0u;
    if (config->features & GRAFT_FEATURE_RDPID) {
        cpu = cpu_and_node() & 0xfff;
    } else {
        graft_call(SYS_GETCPU, (long)&cpu, 0, 0, 0, 0, 0);
    }
    return cpu < config->cpus ? cpu : 0;
}

/*
 * The owner was taken off its CPU and comes back within a time slice, or it is stopped or dead and does not: then one
 * wait is lost, and *stuck spares all others.
 */
static int lock_patiently(uint64_t *lock, uint64_t me, uint64_t *stuck)
{
    const int64_t nap[2] = {0, NAP_NANOS};
    uint64_t owner = 0;
    for (int i = 0; i < NAPS; i++) {
        owner = __atomic_load_n(lock, __ATOMIC_RELAXED);
        if (!owner && graft_try_lock(lock, me)) {
            __atomic_store_n(stuck, 0, __ATOMIC_RELAXED);
            return 1;
        }
        if (owner && owner == __atomic_load_n(stuck, __ATOMIC_RELAXED))
            return 0;
        graft_call(SYS_FUTEX, (long)lock, FUTEX_WAIT, (long)(uint32_t)owner, (long)nap, 0, 0);
    }
    __atomic_store_n(stuck, owner, __ATOMIC_RELAXED);
    return 0;
}

/* The first try has failed. */
int graft_lock_taken(uint64_t *lock, uint64_t *busy, uint64_t *reentered, uint64_t *stuck)
{
    uint64_t me = graft_owner();
    if (__atomic_load_n(lock, __ATOMIC_RELAXED) == me) {
        __atomic_fetch_add(reentered, 1, __ATOMIC_RELAXED);
        return -EBUSY;
    }
    for (int i = 0; i < GRAFT_BACK_OFFS + YIELDS; i++) {
        if (!__atomic_load_n(lock, __ATOMIC_RELAXED) && graft_try_lock(lock, me))
            return 0;
        if (i < GRAFT_BACK_OFFS)
            graft_back_off(i);
        else
            graft_call(SYS_SCHED_YIELD, 0, 0, 0, 0, 0, 0);
    }
    if (lock_patiently(lock, me, stuck))
        return 0;
    __atomic_fetch_add(busy, 1, __ATOMIC_RELAXED);
    return -EBUSY;
}
