/*
 * Stacks of random words, walked by tables that are random in part, for the program that runs the agent (see agent-work.h). The tables'
 * memory ends at a page that is not there, as does the stack, which has another one in its middle.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent-work.h"

enum { PAGE = 4096, STACK_WORDS = 8 * PAGE / 8, REGS_BP = 4, REGS_IP = 16, REGS_SP = 19, REGS = 21, BELOW = 5, USER_STACK = 1 << 8 };
enum { MODULES = 3, ROWS = 200, RULES = 40, CODE = 64 * ROWS, TABLE = 4096, FILLED = 16 * PAGE, DEEP = 4, MOST = 127, CANARY = 0x5a };
#define CODE_START 0x10000000ull

long graft_helper_get_stack(const uint64_t *regs, char *to, uint32_t size, uint64_t flags);

static unsigned state;
static char *tables;
static uint64_t *stack;

static uint32_t below(uint32_t most) { return (uint32_t)rand_r(&state) % most; }

static uint64_t any(void) { return (uint64_t)rand_r(&state) << 33 ^ (uint64_t)rand_r(&state) << 11 ^ (uint64_t)rand_r(&state); }

static uint64_t in_code(void) { return CODE_START + below(MODULES) * 2 * CODE + below(CODE); }

static uint64_t in_stack(void) { return (uint64_t)(stack + below(STACK_WORDS)); }

static uint64_t word(void)
{
    switch (below(16)) {
    case 0: return any();
    case 1: return 0;
    case 2: case 3: return in_stack();
    default: return in_code();
    }
}

static char *room(int pages)
{
    char *memory = mmap(0, (size_t)(pages + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + (size_t)pages * PAGE, PAGE, PROT_NONE))
        abort();
    return memory;
}

static struct graft_unwind_rule random_rule(void)
{
    uint8_t kind = below(12) ? GRAFT_UNWIND_REGISTER : (uint8_t)below(8);
    int is_near = below(16) != 0;
    return (struct graft_unwind_rule){
        .kind = kind,
        .reg = below(12) ? 7 : (uint8_t)below(20),
        .saved = (uint8_t)below(6),
        .offset = is_near ? 8 + (int32_t)below(16) * 8 : (int32_t)any(),
        .added = is_near ? (int32_t)below(16) : (int32_t)any(),
        .saved_at = is_near ? -(int32_t)below(16) * 8 : (int32_t)any(),
    };
}

/* A table that is right, and where it is. */
static uint64_t put_table(uint64_t at)
{
    uint32_t blocks = CODE >> GRAFT_UNWIND_BLOCK_BITS, distances = (uint32_t)at + 1024, numbers = distances + 4 * ROWS;
    struct graft_unwind_table table = {ROWS, blocks, (uint32_t)at + sizeof(table), distances, numbers, numbers + 2 * ROWS};
    memcpy(tables + at, &table, sizeof(table));
    for (uint32_t block = 0; block < blocks; block++)
        ((uint32_t *)(tables + table.blocks_at))[block] = block << GRAFT_UNWIND_BLOCK_BITS >> 6;
    for (uint32_t row = 0; row < ROWS; row++) {
        ((uint32_t *)(tables + distances))[row] = row << 6;
        ((uint16_t *)(tables + numbers))[row] = (uint16_t)below(RULES);
    }
    for (int rule = 0; rule < RULES; rule++)
        ((struct graft_unwind_rule *)(tables + table.rules_at))[rule] = random_rule();
    return at;
}

static void put_tables(void)
{
    uint64_t directory = GRAFT_UNWIND_FIRST + 8;
    struct graft_unwind_module *modules = (void *)(tables + directory + 8);
    *(uint64_t *)(tables + GRAFT_UNWIND_FIRST) = directory;
    *(uint64_t *)(tables + directory) = MODULES;
    for (int i = 0; i < MODULES; i++) {
        uint64_t start = CODE_START + 2ull * CODE * (unsigned)i;
        modules[i] = (struct graft_unwind_module){start, start + CODE, start, put_table((uint64_t)TABLE * (unsigned)(i + 1))};
    }
}

static uint64_t lie(void)
{
    switch (below(5)) {
    case 0: return GRAFT_UNWIND_SIZE - below(32);
    case 1: return below(FILLED);
    case 2: return (uint64_t)-1 - below(64);
    case 3: return below(ROWS);
    default: return any();
    }
}

static void put_lies(void)
{
    for (int lies = (int)below(40); lies > 0; lies--) {
        uint64_t number = lie();
        uint32_t at = below(2) ? below(GRAFT_UNWIND_FIRST + 128) : below(FILLED); /* what leads to others comes first */
        memcpy(tables + at, &number, below(2) ? 4 : 8);
    }
    if (!below(10))
        graft_config()->unwind_process = (uint32_t)lie();
}

static int is_as_it_may_be(long result, const unsigned char *to, uint32_t size)
{
    for (uint32_t i = size; i < size + 64; i++)
        if (to[i] != CANARY)
            return 0;
    return result == -EFAULT || (result >= 0 && result <= size && result % 8 == 0);
}

long unwind_lies(unsigned seed, long count)
{
    long deep = 0;
    state = seed;
    tables = room(GRAFT_UNWIND_SIZE / PAGE);
    stack = (void *)room(STACK_WORDS * 8 / PAGE);
    munmap((char *)stack + 5 * PAGE, PAGE);
    struct graft_config *config = graft_config();
    config->unwind = (uint64_t)tables;
    config->max_stack = MOST;
    config->next_pool = (uint64_t)(graft_runtime() + GRAFT_RUNTIME_SIZE); /* the only one */
    for (long i = 0; i < count; i++) {
        unsigned char to[8 * MOST + 64];
        uint64_t regs[BELOW + REGS];
        uint32_t size = 8 * below(MOST + 1);
        if (i % 16 == 0) {
            config->unwind_process = GRAFT_UNWIND_FIRST;
            put_tables();
            for (uint32_t j = 0; j < STACK_WORDS; j++)
                if (j / (PAGE / 8) != 5)
                    stack[j] = word();
            if (i % 32)
                put_lies();
        }
        for (int j = 0; j < BELOW + REGS; j++)
            regs[j] = below(4) ? word() : 0;
        regs[0] = below(2);
        regs[BELOW + REGS_SP] = below(8) ? in_stack() : word();
        regs[BELOW + REGS_IP] = below(8) ? in_code() : word();
        memset(to, CANARY, sizeof(to));
        long result = graft_helper_get_stack(regs + BELOW, (char *)to, size, USER_STACK | below(3));
        if (!is_as_it_may_be(result, to, size))
            return -1;
        deep += result >= 8 * DEEP;
    }
    config->unwind = 0;
    munmap(tables, GRAFT_UNWIND_SIZE + PAGE);
    munmap(stack, STACK_WORDS * 8 + PAGE);
    return deep;
}
