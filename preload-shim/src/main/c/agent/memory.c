/*
 * Reading memory that may not be there. Runs in the target, anywhere (see runtime.h). No signal handler is used: in a
 * process with one thread each page is validated by a system call that changes nothing (rt_sigprocmask with a wrong
 * `how`: EFAULT when the mask cannot be read, EINVAL when it can) and then copied; with more threads another one could
 * unmap the page in between, so the kernel copies (process_vm_readv on oneself).
 */
#include "runtime.h"

#define PAGE 4096ull
#define TASK_END 0x7ffffffff000ull
#define WRONG_HOW 99

struct graft_iovec {
    uint64_t base;
    uint64_t length;
};

static int page_readable(uint64_t address)
{
    return graft_syscall(SYS_RT_SIGPROCMASK, WRONG_HOW, (long)(address & ~7ull), 0, 8, 0, 0) == -EINVAL;
}

static int one_thread(void)
{
    uint64_t flag = graft_config()->single_threaded;
    return flag && *(volatile char *)flag;
}

/* Copies within one page. */
static int copy_piece(char *to, uint64_t from, uint64_t size)
{
    if (one_thread()) {
        if (!page_readable(from))
            return -EFAULT;
        graft_copy(to, (const void *)from, size);
        return 0;
    }
    struct graft_iovec local = {(uint64_t)to, size};
    struct graft_iovec remote = {from, size};
    long read = graft_syscall(SYS_PROCESS_VM_READV, graft_tid(), (long)&local, 1, (long)&remote, 1, 0);
    return read == (long)size ? 0 : -EFAULT;
}

static uint64_t piece_size(uint64_t from, uint64_t size)
{
    uint64_t left = PAGE - (from & (PAGE - 1));
    return size < left ? size : left;
}

static long faulted(void *to, uint64_t size)
{
    __atomic_fetch_add(&graft_config()->faults, 1, __ATOMIC_RELAXED);
    graft_zero(to, size);
    return -EFAULT;
}

static int outside(uint64_t from, uint64_t size) { return from >= TASK_END || size > TASK_END - from; }

static long read_bytes(char *to, uint32_t size, uint64_t from)
{
    if (!size)
        return 0;
    if (outside(from, size))
        return faulted(to, size);
    for (uint64_t done = 0; done < size;) {
        uint64_t piece = piece_size(from + done, size - done);
        if (copy_piece(to + done, from + done, piece))
            return faulted(to, size);
        done += piece;
    }
    return 0;
}

static long read_string(char *to, uint32_t size, uint64_t from)
{
    if (!size)
        return 0;
    for (uint64_t done = 0; done < size;) {
        uint64_t piece = piece_size(from + done, size - done);
        if (outside(from + done, piece) || copy_piece(to + done, from + done, piece))
            return faulted(to, size);
        for (uint64_t i = done; i < done + piece; i++)
            if (!to[i]) {
                graft_zero(to + i, done + piece - i);
                return (long)i + 1;
            }
        done += piece;
    }
    to[size - 1] = 0;
    return size;
}

EXPORT long graft_helper_probe_read(void *to, uint32_t size, uint64_t from) { return read_bytes(to, size, from); }
EXPORT long graft_helper_probe_read_user(void *to, uint32_t size, uint64_t from) { return read_bytes(to, size, from); }
EXPORT long graft_helper_probe_read_kernel(void *to, uint32_t size, uint64_t from) { return read_bytes(to, size, from); }
EXPORT long graft_helper_probe_read_str(void *to, uint32_t size, uint64_t from) { return read_string(to, size, from); }
EXPORT long graft_helper_probe_read_user_str(void *to, uint32_t size, uint64_t from) { return read_string(to, size, from); }
EXPORT long graft_helper_probe_read_kernel_str(void *to, uint32_t size, uint64_t from) { return read_string(to, size, from); }
