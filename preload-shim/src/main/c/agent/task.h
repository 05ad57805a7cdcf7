/* The thread as a struct task_struct, see task.c. */
#ifndef GRAFT_TASK_H
#define GRAFT_TASK_H

#include "runtime.h"

/* What programs have for a task: a number of a thread, made an address that is the kernel's. */
#define TASK 0xffff880000000000ull
#define TASK_SHIFT 14
#define TASK_BYTES (1ull << TASK_SHIFT)
#define THREAD_MASK 0x3fffff
/* Some thread of another process, of which only the process is known, which is the number; and the first one there. */
#define TASK_ELSEWHERE (1ull << 36)
#define TASK_LEADER (1ull << 37)
#define TASK_BITS (1ull << 38)

INLINE int graft_is_task(uint64_t address) { return address >= TASK && address - TASK < TASK_BITS; }
INLINE uint32_t graft_thread_of(uint64_t task) { return (uint32_t)(task >> TASK_SHIFT) & THREAD_MASK; }

/* Copies a part of a field, or says 0 when that is not known. */
int graft_read_task(void *to, uint64_t size, uint64_t from);
/* How much is left of the name that begins at or before an address; 0 for all other fields. */
uint64_t graft_task_text(uint64_t address);

#endif
