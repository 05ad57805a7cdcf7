/*
 * Walking a stack by tables (unwind.layout) which say for each instruction where its function's caller is, and by frame pointers from
 * instructions that no table knows, as those that a program makes itself. Runs in the target, anywhere (see runtime.h). Nothing
 * is believed: what is read of a table is looked for inside its memory, words of the stack are read as any other
 * memory that may not be there, and every step adds an address to a trace that has room for so many.
 */
#include "stack.h"

enum { PAIR = 8, DWARF_RBP = 6, DWARF_RSP = 7, DWARF_REGISTERS = 16, PLT_SLOT_MASK = 15 };
/* What the kernel puts on the stack of a signal handler, counted from its stack pointer when it has returned. */
enum { SIGNAL_RBP = 120, SIGNAL_RSP = 160, SIGNAL_RIP = 168 };

/* A frame: the registers as they are where it goes on. */
struct frame {
    const uint64_t *regs; /* all of them, of the first frame only */
    int at_entry;         /* the first frame's: its return address is at the stack pointer */
    uint64_t pc, sp;
    uint64_t bp;
    enum { BP_VALUE, BP_IN_WORD, BP_LOST } bp_is; /* `bp` is its value, or the address of the word that has it */
    int called; /* the instruction before `pc` has called somebody */
};

/* Parts of the tables: 0 when they lie outside. */
INLINE const void *in_tables(uint64_t at, uint64_t size)
{
    return at >= GRAFT_UNWIND_FIRST && at <= GRAFT_UNWIND_SIZE - size ? (const char *)graft_config()->unwind + at : 0;
}

static uint32_t number_at(uint64_t at)
{
    const uint32_t *number = in_tables(at, sizeof(*number));
    return number ? __atomic_load_n(number, __ATOMIC_RELAXED) : 0;
}

static const struct graft_unwind_module *module_of(uint64_t pc)
{
    const uint64_t *word = in_tables(graft_config()->unwind_process, sizeof(*word));
    uint64_t directory = word ? __atomic_load_n(word, __ATOMIC_ACQUIRE) : 0;
    uint32_t low = 0, high = number_at(directory);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct graft_unwind_module *module = in_tables(directory + PAIR + (uint64_t)middle * sizeof(*module), sizeof(*module));
        if (!module)
            return 0;
        if (pc < module->start)
            high = middle;
        else if (pc >= module->end)
            low = middle + 1;
        else
            return module;
    }
    return 0;
}

/* The last row that begins at or before a distance; `rows` when there is none. */
static uint32_t row_of(const struct graft_unwind_table *table, uint64_t distance)
{
    uint64_t block = distance >> GRAFT_UNWIND_BLOCK_BITS;
    uint32_t blocks = table->blocks, rows = table->rows, distances = table->distances_at;
    if (block >= blocks)
        return rows;
    uint32_t low = number_at(table->blocks_at + 4 * block);
    uint32_t high = block + 1 < blocks ? number_at(table->blocks_at + 4 * (block + 1)) : rows - 1;
    if (high >= rows)
        return rows;
    while (low < high) {
        uint32_t middle = high - (high - low) / 2;
        if (number_at(distances + 4ull * middle) <= distance)
            low = middle;
        else
            high = middle - 1;
    }
    return low == high && number_at(distances + 4ull * low) <= distance ? low : rows;
}

static struct graft_unwind_rule rule_of(uint64_t pc)
{
    struct graft_unwind_rule rule = {.kind = GRAFT_UNWIND_NONE};
    const struct graft_unwind_module *module = module_of(pc);
    const struct graft_unwind_table *table = module ? in_tables(module->table, sizeof(*table)) : 0;
    if (!table)
        return rule;
    uint32_t row = row_of(table, pc - module->base);
    const uint16_t *number = row < table->rows ? in_tables(table->numbers_at + 2ull * row, sizeof(*number)) : 0;
    const struct graft_unwind_rule *found =
        number ? in_tables(table->rules_at + (uint64_t)sizeof(rule) * *number, sizeof(rule)) : 0;
    if (found)
        rule = *found;
    return rule;
}

INLINE int word_at(uint64_t *word, uint64_t address) { return graft_read(word, sizeof(*word), address); }

static int bp_of(const struct frame *frame, uint64_t *bp)
{
    *bp = frame->bp;
    return frame->bp_is == BP_VALUE || (frame->bp_is == BP_IN_WORD && word_at(bp, frame->bp));
}

static int register_of(const struct frame *frame, uint32_t number, uint64_t *value)
{
    static const uint8_t places[DWARF_REGISTERS] = {10, 12, 11, 5, 13, 14, REGS_BP, REGS_SP, 9, 8, 7, 6, 3, 2, 1, 0};
    if (number == DWARF_RSP) {
        *value = frame->sp;
        return 1;
    }
    if (number == DWARF_RBP)
        return bp_of(frame, value);
    if (!frame->regs || number >= DWARF_REGISTERS)
        return 0;
    *value = frame->regs[places[number]];
    return 1;
}

/* Where rbp is in the caller of `frame`, whose canonical frame address is known. */
static void save_bp(struct frame *caller, const struct frame *frame, const struct graft_unwind_rule *rule, uint64_t address)
{
    uint64_t from = address;
    switch (rule->saved) {
    case GRAFT_UNWIND_UNCHANGED:
        return;
    case GRAFT_UNWIND_AT_FRAME:
        break;
    case GRAFT_UNWIND_AT_RSP:
        from = frame->sp;
        break;
    case GRAFT_UNWIND_AT_RBP:
        if (bp_of(frame, &from))
            break;
        caller->bp_is = BP_LOST;
        return;
    default:
        caller->bp_is = BP_LOST;
        return;
    }
    caller->bp = from + (uint64_t)(int64_t)rule->saved_at;
    caller->bp_is = BP_IN_WORD;
}

/* The caller, whose stack pointer is `sp` and which goes on where the word at `returns` says. */
static int go_on(struct frame *caller, uint64_t sp, uint64_t returns, int called)
{
    caller->regs = 0;
    caller->at_entry = 0;
    caller->sp = sp;
    caller->called = called;
    if (!word_at(&caller->pc, returns))
        return 0;
    caller->pc = graft_original(returns, caller->pc);
    return caller->pc != 0;
}

/* mov $15,%rax; syscall, which a signal handler returns to: not all libraries say so in tables. */
static int is_signal_return(uint64_t pc)
{
    uint64_t code = 0;
    uint8_t last = 0;
    return word_at(&code, pc) && code == 0x0f0000000fc0c748 && graft_read(&last, 1, pc + 8) && last == 0x05;
}

/* By frame pointers, where no table says more. They may be anything there: a caller's frame is not below its callee's. */
static int by_frame_pointer(struct frame *frame)
{
    uint64_t bp;
    if (frame->at_entry)
        return go_on(frame, frame->sp + 8, frame->sp, 1);
    if (!bp_of(frame, &bp) || bp < frame->sp)
        return 0;
    frame->bp = bp;
    frame->bp_is = BP_IN_WORD;
    return go_on(frame, bp + 16, bp + 8, 1);
}

/* Makes the caller of a frame of it. */
static int to_caller(struct frame *frame)
{
    uint64_t pc = frame->pc - (frame->called != 0), base, address;
    struct graft_unwind_rule rule = rule_of(pc);
    struct frame caller = *frame;
    if (rule.kind == GRAFT_UNWIND_NONE && is_signal_return(frame->pc))
        rule = (struct graft_unwind_rule){GRAFT_UNWIND_SIGNAL, DWARF_RSP, GRAFT_UNWIND_AT_RSP, .offset = SIGNAL_RSP,
                                          .added = SIGNAL_RIP, .saved_at = SIGNAL_RBP};
    if (rule.kind == GRAFT_UNWIND_NONE)
        return by_frame_pointer(frame);
    if (rule.kind < GRAFT_UNWIND_REGISTER || rule.kind > GRAFT_UNWIND_SIGNAL || !register_of(frame, rule.reg, &base))
        return 0;
    address = base + (uint64_t)(int64_t)rule.offset;
    if (rule.kind == GRAFT_UNWIND_PLT && (int64_t)(pc & PLT_SLOT_MASK) >= rule.added)
        address += 8;
    if ((rule.kind == GRAFT_UNWIND_LOADED || rule.kind == GRAFT_UNWIND_SIGNAL) && !word_at(&address, address))
        return 0;
    if (rule.kind == GRAFT_UNWIND_LOADED)
        address += (uint64_t)(int64_t)rule.added;
    if (rule.kind != GRAFT_UNWIND_SIGNAL && address <= frame->sp)
        return 0;
    save_bp(&caller, frame, &rule, address);
    int found = rule.kind == GRAFT_UNWIND_SIGNAL ? go_on(&caller, address, base + (uint64_t)(int64_t)rule.added, 0)
                                                  : go_on(&caller, address, address - 8, 1);
    *frame = caller;
    return found;
}

void graft_unwind(struct trace *trace, struct registers from)
{
    const uint64_t *regs = from.all;
    /* At a return the instruction pointer is what was in the word below the stack pointer. */
    struct frame frame = {regs, from.at_entry, graft_original(regs[REGS_SP] - 8, regs[REGS_IP]), regs[REGS_SP], regs[REGS_BP], BP_VALUE, 0};
    do
        graft_add(trace, frame.pc);
    while (trace->found < trace->most && to_caller(&frame));
}
