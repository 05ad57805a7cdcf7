/* Walking the stack of this thread, from the registers that a program was called with. */
#ifndef GRAFT_STACK_H
#define GRAFT_STACK_H

#include "runtime.h"

#pragma GCC visibility push(hidden)

/* Of the context, which is the kernel's struct pt_regs. */
enum { REGS_BP = 4, REGS_IP = 16, REGS_SP = 19 };
/*
 * Below the context, by the thunk: 1 when the probed instruction is `push %rbp` or `endbr64`, so that no frame is there yet; where the
 * context is that of a system call, the address of the registers.
 */
enum { AT_ENTRY = -5 };

/* Where a walk begins. */
struct registers {
    const uint64_t *all;
    int at_entry;
};

INLINE struct registers graft_registers(const uint64_t *context)
{
    uint64_t word = context[AT_ENTRY];
    return (struct registers){word > 1 ? (const uint64_t *)word : context, word == 1};
}

struct trace {
    uint64_t *to;
    uint32_t skip;
    uint32_t most; /* addresses, skipped ones included */
    uint32_t found;
};

INLINE void graft_add(struct trace *trace, uint64_t address)
{
    if (trace->found == trace->most)
        return;
    if (trace->found >= trace->skip)
        trace->to[trace->found - trace->skip] = address;
    trace->found++;
}

/* What a stack word held before its call was wrapped, when `address` is in it now. */
uint64_t graft_original(uint64_t word, uint64_t address);

/* Walks by the tables of unwind.layout, and by frame pointers where these say nothing. */
void graft_unwind(struct trace *trace, struct registers from);

#endif
