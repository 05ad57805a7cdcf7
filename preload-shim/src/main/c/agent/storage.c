/*
 * Storage of tasks: values by the number of the thread, which programs only ever find for the thread that they run in. Runs
 * in the target, anywhere (see runtime.h). Numbers are given out again: what a thread that has ended left is deleted before
 * another one with its number runs a program.
 */
#include "runtime.h"

enum { CREATE = 1, TASK_SHIFT = 14, THREAD_MASK = 0x3fffff, FORGET_TRIES = 100 };

/* What a program has for a task is the number of the thread, made an address that is the kernel's: nothing is there. */
#define TASK 0xffff880000000000ull

/* A child of vfork has its parent's memory and thread pointer; only the kernel knows that it is another thread. */
static uint32_t current_thread(void)
{
    struct graft_config *config = graft_config();
    if (!config->followed || config->confined)
        return graft_tid();
    graft_tgid(); /* adopts */
    return graft_initial((uint32_t)graft_call(SYS_GETTID, 0, 0, 0, 0, 0, 0));
}

EXPORT uint64_t graft_helper_get_current_task_btf(void) { return TASK | (uint64_t)current_thread() << TASK_SHIFT; }

INLINE uint32_t thread_of(uint64_t task) { return (uint32_t)(task >> TASK_SHIFT) & THREAD_MASK; }

EXPORT void *graft_helper_task_storage_get(struct graft_map *map, uint64_t task, const void *value, uint64_t flags)
{
    if (flags & ~(uint64_t)CREATE || !task)
        return 0;
    uint32_t thread = thread_of(task);
    struct graft_storage *found = graft_hash_lookup(map, &thread);
    if (!found && flags & CREATE) {
        graft_hash_update(map, &thread, value, BPF_NOEXIST); /* a signal's handler may have been faster */
        found = graft_hash_lookup(map, &thread);
    }
    return found ? found + 1 : 0;
}

EXPORT long graft_helper_task_storage_delete(struct graft_map *map, uint64_t task)
{
    uint32_t thread = thread_of(task);
    return task ? graft_hash_delete(map, &thread) : -EINVAL;
}

/*
 * At the beginning of a thread, and at its end. Who holds the lock has lost its processor, or is dead: then the daemon frees it.
 * In a process that the agent may not make system calls in nobody knows which thread this is.
 */
EXPORT long graft_helper_forget_task(struct graft_map *map)
{
    long number = graft_call(SYS_GETTID, 0, 0, 0, 0, 0, 0);
    if (number < 0)
        return number;
    graft_tgid(); /* adopts */
    graft_forget_number((uint32_t)number);
    uint32_t thread = graft_initial((uint32_t)number);
    long result = -EBUSY;
    for (int i = 0; i < FORGET_TRIES && result == -EBUSY; i++)
        result = graft_hash_delete(map, &thread);
    return result;
}
