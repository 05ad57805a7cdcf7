/* Stack traces without end, of frames that are made up, for the program that runs the agent (see agent-work.h). */
#include <stdlib.h>

#include "agent-work.h"

enum { REGS_BP = 4, REGS_IP = 16, REGS_SP = 19, REGS = 21, BELOW = 5, DEEPEST = 12 };
enum { USER_STACK = 1 << 8, REUSE_STACKID = 1 << 10 };

long graft_helper_get_stackid(const uint64_t *regs, struct graft_map *map, uint64_t flags);

struct frame {
    const struct frame *caller;
    uint64_t returns;
};

/* All addresses of a trace follow from its number, and it is as deep as its number says. */
static uint64_t address(uint64_t number, unsigned depth) { return check_of(number + depth) >> 16; }

static unsigned depth_of(uint64_t number) { return 2 + (unsigned)(number % (DEEPEST - 1)); }

static long put(uint64_t number, uint64_t flags)
{
    struct frame frames[DEEPEST] = {0};
    uint64_t regs[BELOW + REGS] = {0};
    unsigned depth = depth_of(number);
    for (unsigned i = 1; i < depth; i++)
        frames[i - 1] = (struct frame){i + 1 < depth ? frames + i : 0, address(number, i)};
    regs[BELOW + REGS_BP] = (uint64_t)frames;
    regs[BELOW + REGS_IP] = number;
    regs[BELOW + REGS_SP] = (uint64_t)frames;
    return graft_helper_get_stackid(regs + BELOW, opened(), USER_STACK | flags);
}

void trace_work(struct notes *notes, long worker, unsigned *state)
{
    graft_config()->max_stack = GRAFT_TRACE_ADDRESSES_MAX;
    graft_config()->next_pool = (uint64_t)(graft_runtime() + GRAFT_RUNTIME_SIZE); /* the only one */
    while (!stopped()) {
        uint64_t flags = rand_r(state) % 4 ? REUSE_STACKID : 0;
        __atomic_store_n(&notes->begun, notes->begun + 1, __ATOMIC_RELEASE);
        long id = put(number_of(worker, notes->begun), flags);
        notes->wrong += id < 0 && id != -EEXIST && id != -EBUSY && id != -ENOMEM; /* replacing needs one more */
        __atomic_store_n(&notes->done, notes->done + 1, __ATOMIC_RELEASE);
    }
}
