/*
 * Reading memory that may not be there. Runs in the target, anywhere (see runtime.h). No signal handler is used. The
 * stack above the running frame is there, and the page of that frame. Elsewhere, where the processor has transactions, a
 * load that faults only ends the transaction: memory is tried in one (a process with one thread) or copied in one (with
 * more threads another one could unmap the page in between). Otherwise, and when a transaction ends for any reason, the
 * kernel decides: system calls that change nothing tell a process with one thread what can be read (rt_sigprocmask with a
 * wrong `how`: EFAULT when the mask cannot be read, EINVAL when it can); with more threads the kernel copies
 * (process_vm_readv on oneself). Measured in docs/design/06-reading-memory.md.
 */
#include "task.h"

#define PAGE 4096ull
#define TASK_END 0x7ffffffff000ull
#define WRONG_HOW 99
#define MADV_POPULATE_READ 22
#define POPULATE_PAGES 3 /* from here on one longer call is faster than one short call a page */
#define TRANSACTION_STARTED 0xffffffffu

struct graft_iovec {
    uint64_t base;
    uint64_t length;
};

/* TRANSACTION_STARTED, and a second time with the reason when the transaction has ended before its end. */
INLINE uint32_t transaction_begin(void)
{
    uint32_t status = TRANSACTION_STARTED;
    __asm__ volatile(".byte 0xc7, 0xf8, 0, 0, 0, 0" : "+a"(status) : : "memory"); /* xbegin, to the next instruction */
    return status;
}

INLINE void transaction_end(void) { __asm__ volatile(".byte 0x0f, 0x01, 0xd5" : : : "memory"); }

INLINE int has_transactions(void) { return (graft_config()->features & GRAFT_FEATURE_RTM) != 0; }

static int one_thread(void)
{
    uint64_t flag = graft_config()->single_threaded;
    return flag && *(volatile char *)flag;
}

static int page_readable(uint64_t address)
{
    return graft_call(SYS_RT_SIGPROCMASK, WRONG_HOW, (long)(address & ~7ull), 0, 8, 0, 0) == -EINVAL;
}

static int range_touched(uint64_t from, uint64_t end)
{
    if (transaction_begin() != TRANSACTION_STARTED)
        return 0;
    for (uint64_t at = from; at < end; at = (at | (PAGE - 1)) + 1)
        (void)*(const volatile char *)at;
    transaction_end();
    return 1;
}

/* Whether [from, from + size) can be read now. */
static int range_readable(uint64_t from, uint64_t size)
{
    uint64_t end = from + size;
    uint64_t first = from & ~(PAGE - 1), length = ((end + PAGE - 1) & ~(PAGE - 1)) - first;
    if (has_transactions() && range_touched(from, end))
        return 1;
    if (length >= POPULATE_PAGES * PAGE
        && !graft_call(SYS_MADVISE, (long)first, (long)length, MADV_POPULATE_READ, 0, 0, 0))
        return 1;
    for (uint64_t at = first; at < end; at += PAGE)
        if (!page_readable(at))
            return 0;
    return 1;
}

static int copied_in_transaction(char *to, uint64_t from, uint64_t size)
{
    if (!has_transactions() || transaction_begin() != TRANSACTION_STARTED)
        return 0;
    graft_copy(to, (const void *)from, size);
    transaction_end();
    return 1;
}

static int copied_by_kernel(char *to, uint64_t from, uint64_t size)
{
    struct graft_iovec local = {(uint64_t)to, size};
    struct graft_iovec remote = {from, size};
    return graft_call(SYS_PROCESS_VM_READV, graft_own_tid(), (long)&local, 1, (long)&remote, 1, 0) == (long)size;
}

static uint64_t piece_size(uint64_t from, uint64_t size)
{
    uint64_t left = PAGE - (from & (PAGE - 1));
    return size < left ? size : left;
}

/*
 * Whether the bytes are there as long as this function runs: they lie between this frame and the end of the main thread's
 * stack, and the frame is on that stack; or in the page of this frame, whatever stack that is.
 */
INLINE int beside_this_frame(uint64_t from, uint64_t size)
{
    uint64_t frame;
    __asm__("mov %%rsp, %0" : "=r"(frame));
    if ((from ^ frame) < PAGE && ((from + size - 1) ^ frame) < PAGE)
        return 1;
    return from >= frame && frame >= graft_config()->stack_start && from + size <= graft_config()->stack_end;
}

static int copy_range(char *to, uint64_t from, uint64_t size)
{
    if (beside_this_frame(from, size)) {
        graft_copy(to, (const void *)from, size);
        return 0;
    }
    if (one_thread()) {
        if (!range_readable(from, size))
            return -EFAULT;
        graft_copy(to, (const void *)from, size);
        return 0;
    }
    /* A transaction can hold what one page takes, not much more. */
    for (uint64_t piece; size; to += piece, from += piece, size -= piece) {
        piece = piece_size(from, size);
        if (!copied_in_transaction(to, from, piece))
            return copied_by_kernel(to, from, size) ? 0 : -EFAULT;
    }
    return 0;
}

static long faulted(void *to, uint64_t size)
{
    __atomic_fetch_add(&graft_config()->faults, 1, __ATOMIC_RELAXED);
    graft_zero(to, size);
    return -EFAULT;
}

static int outside(uint64_t from, uint64_t size) { return from >= TASK_END || size > TASK_END - from; }

int graft_read(void *to, uint64_t size, uint64_t from) { return !outside(from, size) && !copy_range(to, from, size); }

static long read_bytes(char *to, uint32_t size, uint64_t from)
{
    if (!size)
        return 0;
    if (outside(from, size))
        return faulted(to, size);
    return copy_range(to, from, size) ? faulted(to, size) : 0;
}

/* Most strings end in it, and graft_copy takes it word by word. */
#define STRING_PIECE 56
#define LOW_BITS 0x0101010101010101u
#define HIGH_BITS 0x8080808080808080u

/* Where a string ends, or `size`. */
static uint64_t string_end(const char *text, uint64_t size)
{
    uint64_t i = 0, word;
    for (; i + 8 <= size; i += 8) {
        __builtin_memcpy(&word, text + i, 8);
        uint64_t zeros = (word - LOW_BITS) & ~word & HIGH_BITS;
        if (zeros)
            return i + (uint64_t)__builtin_ctzll(zeros) / 8;
    }
    while (i < size && text[i])
        i++;
    return i;
}

static long read_string(char *to, uint32_t size, uint64_t from)
{
    if (!size)
        return 0;
    for (uint64_t done = 0; done < size;) {
        uint64_t piece = piece_size(from + done, size - done);
        if (!done && piece > STRING_PIECE)
            piece = STRING_PIECE;
        if (outside(from + done, piece) || copy_range(to + done, from + done, piece))
            return faulted(to, size);
        uint64_t end = string_end(to + done, piece);
        if (end < piece) {
            graft_zero(to + done + end, piece - end);
            return (long)(done + end) + 1;
        }
        done += piece;
    }
    to[size - 1] = 0;
    return size;
}

/* The kernel's memory is not there, but for what is made up of a task. */
static long read_kernel(void *to, uint32_t size, uint64_t from)
{
    if (!size || !graft_is_task(from))
        return read_bytes(to, size, from);
    return graft_read_task(to, size, from) ? 0 : faulted(to, size);
}

static long read_kernel_string(char *to, uint32_t size, uint64_t from)
{
    if (!size || !graft_is_task(from))
        return read_string(to, size, from);
    uint64_t left = graft_task_text(from), length = size < left ? size : left;
    if (!length || !graft_read_task(to, length, from))
        return faulted(to, size);
    uint64_t end = string_end(to, length);
    graft_zero(to + end, size - end);
    to[size - 1] = 0;
    return end < length ? (long)end + 1 : size;
}

EXPORT long graft_helper_probe_read(void *to, uint32_t size, uint64_t from) { return read_kernel(to, size, from); }

/* As in the kernel, an address that no process has is refused when nothing is read as well. */
EXPORT long graft_helper_probe_read_user(void *to, uint32_t size, uint64_t from)
{
    return from >= TASK_END ? faulted(to, size) : read_bytes(to, size, from);
}

EXPORT long graft_helper_copy_from_user(void *to, uint32_t size, uint64_t from) { return read_bytes(to, size, from); }

/* The task is that of the process: a program has no other. */
EXPORT long graft_helper_copy_from_user_task(void *to, uint32_t size, uint64_t from, uint64_t task, uint64_t flags)
{
    (void)task;
    return flags ? -EINVAL : read_bytes(to, size, from);
}

EXPORT long graft_helper_probe_read_kernel(void *to, uint32_t size, uint64_t from) { return read_kernel(to, size, from); }
EXPORT long graft_helper_probe_read_str(void *to, uint32_t size, uint64_t from) { return read_kernel_string(to, size, from); }
EXPORT long graft_helper_probe_read_user_str(void *to, uint32_t size, uint64_t from) { return read_string(to, size, from); }
EXPORT long graft_helper_probe_read_kernel_str(void *to, uint32_t size, uint64_t from) { return read_kernel_string(to, size, from); }
