/*
 * Storage of tasks: values by the number of the thread, which programs only ever find for the thread that they run in. Runs
 * in the target, anywhere (see runtime.h). Numbers are given out again: what a thread that has ended left is deleted before
 * another one with its number runs a program.
 */
#include "task.h"

enum { CREATE = 1, FORGET_TRIES = 100 };

EXPORT void *graft_helper_task_storage_get(struct graft_map *map, uint64_t task, const void *value, uint64_t flags)
{
    if (flags & ~(uint64_t)CREATE || !task)
        return 0;
    uint32_t thread = graft_thread_of(task);
    struct graft_storage *found = graft_hash_lookup(map, &thread);
    if (!found && flags & CREATE) {
        graft_hash_update(map, &thread, value, BPF_NOEXIST); /* a signal's handler may have been faster */
        found = graft_hash_lookup(map, &thread);
    }
    return found ? found + 1 : 0;
}

EXPORT long graft_helper_task_storage_delete(struct graft_map *map, uint64_t task)
{
    uint32_t thread = graft_thread_of(task);
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
