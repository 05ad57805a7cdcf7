/*
 * The signal frames on the stacks of a stopped thread: a handler that returns goes on where its frame says. Frames are
 * known by their form, as nothing says where they are. Runs in the daemon. Uses no libc. Ordering rule: the thread is
 * stopped before and until what was found is used.
 */
#include "tracer.h"

/* In a signal frame (struct sigcontext) behind the program counter: the flags, then four selectors, cs first, ss last. */
enum { RED_ZONE = 128, FLAGS_WORD = 1, SELECTORS_WORD = 2, USER_CS = 0x33, USER_SS = 0x2b, FLAGS_FIXED = 2 };
#define FLAGS_MAX 0x400000ull
/* Before it: the stack pointer, fifteen more registers, and uc_stack, the signal stack that was set. */
enum { STACK_POINTER_WORD = -1, STACK_START_WORD = -19, STACK_SIZE_WORD = -17 };

#define NEW_STACK_BYTES 0x10000ull

static uint64_t end_of_mapping(const struct graft_stacks *stacks, uint64_t address)
{
    const uint64_t *mappings = POINTER(uint64_t, stacks->mappings);
    for (uint64_t i = 0; i < stacks->mapping_count; i++)
        if (address >= mappings[2 * i] && address < mappings[2 * i + 1]) return mappings[2 * i + 1];
    return address + NEW_STACK_BYTES; /* mapped since they were listed: what is readable of it */
}

/* Reads the stack from a stack pointer on, with the red zone; as much as there is and the buffer holds. */
void graft_stack_read(struct graft_stop *stop, uint64_t pointer, struct graft_stack *stack)
{
    const struct graft_stacks *stacks = POINTER(struct graft_stacks, stop->stacks);
    uint64_t end = end_of_mapping(stacks, pointer);
    stack->pointer = pointer;
    stack->words = POINTER(uint64_t, stacks->buffer);
    long read = 0;
    /* Without the red zone where that lies before the mapping. */
    for (uint64_t below = RED_ZONE; read <= 0; below = 0) {
        stack->bottom = (pointer - below) & -8ull;
        uint64_t size = end - stack->bottom < stacks->buffer_size ? end - stack->bottom : stacks->buffer_size;
        read = graft_memory_read(stop, stack->bottom, stack->words, size);
        if (!below) break;
    }
    stack->count = read > 0 ? read / 8 : 0;
}

/*
 * Whether the handler of the frame with this program counter can be running: not when the frame is on a signal stack that
 * the thread is not on. Signal stacks in a heap, as Go's, lie beside the stacks of other threads and hold old frames.
 */
static long may_run(const uint64_t *word, uint64_t address, uint64_t pointer)
{
    uint64_t start = word[STACK_START_WORD], size = word[STACK_SIZE_WORD];
    return address - start >= size || pointer - start < size;
}

/* Whether word i is the program counter in a signal frame. */
long graft_stack_is_frame(const struct graft_stack *stack, long i)
{
    if (i + SELECTORS_WORD >= stack->count || i + STACK_START_WORD < 0) return 0;
    const uint64_t *word = stack->words + i;
    uint64_t flags = word[FLAGS_WORD], selectors = word[SELECTORS_WORD];
    uint64_t stack_selector = selectors >> 48; /* 0 from kernels that do not store it */
    return flags & FLAGS_FIXED && flags < FLAGS_MAX && (selectors & 0xffff) == USER_CS
           && (stack_selector == USER_SS || stack_selector == 0)
           && may_run(word, stack->bottom + 8 * (uint64_t)i, stack->pointer);
}

long graft_stack_write(struct graft_stop *stop, const struct graft_stack *stack, long i, uint64_t word)
{
    return graft_text_write(stop, stack->bottom + 8 * (uint64_t)i, &word, sizeof word);
}

/* Where the stack goes on that was interrupted, when its frame is on another one: what is there is not in these words. */
uint64_t graft_stack_below(const struct graft_stack *stack)
{
    uint64_t end = stack->bottom + 8 * (uint64_t)stack->count, below = 0;
    for (long i = 0; i < stack->count; i++) {
        if (!graft_stack_is_frame(stack, i)) continue;
        uint64_t pointer = stack->words[i + STACK_POINTER_WORD];
        if (pointer < stack->bottom || pointer >= end) below = pointer;
    }
    return below;
}
