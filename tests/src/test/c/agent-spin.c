/* Locks in values, for the program that runs the agent: commands on the first value of the array that was opened last. */
#include <stdlib.h>
#include <string.h>

#include "agent-work.h"

void graft_helper_spin_lock(uint32_t *lock);
void graft_helper_spin_unlock(uint32_t *lock);

/* Under the lock, a load and a store of the number behind it. */
static void count(uint32_t *lock, long times)
{
    volatile uint64_t *number = (uint64_t *)lock + 1;
    for (long i = 0; i < times; i++) {
        graft_helper_spin_lock(lock);
        *number = *number + 1;
        graft_helper_spin_unlock(lock);
    }
}

/* The lock's word afterwards. */
uint32_t spin(const char *what, long times)
{
    uint32_t *lock = (uint32_t *)graft_data(opened());
    if (!strcmp(what, "take"))
        graft_helper_spin_lock(lock);
    else if (!strcmp(what, "leave"))
        graft_helper_spin_unlock(lock);
    else
        count(lock, times);
    return __atomic_load_n(lock, __ATOMIC_ACQUIRE);
}
