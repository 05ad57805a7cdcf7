/*
 * The tracer's side of a handover: one thread of the target runs the routine that the daemon wrote. Runs in the daemon.
 * Uses no libc. Ordering rule: what the thread needs to go on alone is in the routine before it is sent there.
 */
#include "tracer.h"

enum { MSG_DONTWAIT = 0x40, SIGSET_BYTES = 8, SYSCALL_BYTES = 2 };
enum { LOOKS = 250 }; /* the thread is real-time too and has the other processor */
enum { EAGAIN = 11, ERESTART_RESTARTBLOCK = 516, SYS_RESTART_SYSCALL = 219 };
enum { CARRY_ETC = 0xd5, ALWAYS_SET = 2, DIRECTION = 0x400, OVERFLOW = 0x800 };

/* By hand what the kernel does for an interrupted call: the thread must manage without it when it goes on alone. */
static void restart(struct graft_tracee *thread)
{
    uint64_t *regs = thread->registers;
    if (!graft_tracee_restarts(thread)) return;
    regs[RAX] = (int64_t)regs[RAX] == -ERESTART_RESTARTBLOCK ? SYS_RESTART_SYSCALL : regs[ORIG_RAX];
    regs[RIP] -= SYSCALL_BYTES;
}

/* Keeps the thread's registers and puts what it must find again at the end of the routine. */
long graft_handover_borrow(struct graft_operation *op)
{
    static const uint8_t order[] = {RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, RAX};
    struct graft_tracee *thread = POINTER(struct graft_tracee, op->a);
    uint64_t *kept = POINTER(uint64_t, op->b), *regs = thread->registers;
    struct graft_words *words = POINTER(struct graft_words, op->c);
    for (unsigned i = 0; i < sizeof thread->registers / sizeof *regs; i++) kept[i] = regs[i];
    long result = graft_ptrace(PTRACE_GETSIGMASK, thread, SIGSET_BYTES, &thread->mask);
    if (result) return result;
    restart(thread);
    for (unsigned i = 0; i < sizeof order; i++) words->general[i] = regs[order[i]];
    words->resume = regs[RIP];
    words->mask = thread->mask;
    words->flags = ((regs[EFLAGS] & CARRY_ETC) | ALWAYS_SET) << 8;
    words->overflow = regs[EFLAGS] & OVERFLOW ? 0x7f : 0;
    words->direction = regs[EFLAGS] & DIRECTION ? 1 : 0;
    return 0;
}

struct published {
    uint64_t nonce;
    int64_t result;
    int32_t sockets[2];
};

/* Waits until the routine has published its sockets. @return a descriptor of this process for the second one */
long graft_handover_connect(struct graft_stop *stop, struct graft_operation *op)
{
    struct published page;
    uint32_t polls = 0;
    for (;;) {
        long size = graft_memory_read(stop, op->a, &page, sizeof page);
        if (size == -ESRCH) return size;
        if (size == sizeof page && page.nonce == op->b) break;
        size = graft_pause(stop, &polls, LOOKS);
        if (size) return size;
    }
    if (page.result < 0) return page.result;
    return graft_syscall(SYS_PIDFD_GETFD, (long)op->c, page.sockets[1], 0, 0, 0, 0);
}

/*
 * One packet of exactly the expected size. The kernel looks for a packet first and then whether the peer has closed: both
 * may happen in between, so a first end of file says nothing.
 */
long graft_handover_receive(struct graft_stop *stop, struct graft_operation *op)
{
    int32_t fd = (int32_t)POINTER(struct graft_operation, op->a)->result;
    uint32_t polls = 0, ends = 0;
    for (;;) {
        long size = graft_syscall(SYS_RECVFROM, fd, (long)op->b, (long)op->c, MSG_DONTWAIT, 0, 0);
        if (size == 0 && ends++ == 0) continue;
        if (size >= 0) return (uint64_t)size == op->c ? 0 : -ETIMEDOUT;
        if (size != -EAGAIN) return size;
        size = graft_pause(stop, &polls, LOOKS);
        if (size) return size;
    }
}

/* The last thing that the routine does for us is to unmap its page: everything else is closed then. */
long graft_handover_await_unmapped(struct graft_stop *stop, struct graft_operation *op)
{
    uint64_t word;
    uint32_t polls = 0;
    for (;;) {
        long size = graft_memory_read(stop, op->a, &word, sizeof word);
        if (size != sizeof word) return size == -ESRCH ? size : 0;
        size = graft_pause(stop, &polls, LOOKS);
        if (size) return size;
    }
}
