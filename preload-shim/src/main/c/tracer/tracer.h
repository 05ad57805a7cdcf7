/*
 * What every file of the tracer shares. The tracer runs in the daemon, called from Java, while threads of a target are
 * stopped: machine code, so that no garbage collection, class loading or interpretation lengthens the stop. It allocates
 * nothing, keeps nothing between calls, and everything it reads was prepared before the stop. Ordering rule: a thread
 * is resumed or detached only when nothing of the operations before is still to be written.
 */
#ifndef GRAFT_TRACER_H
#define GRAFT_TRACER_H

#include "../sys.h"
#include "layout.h"

#pragma GCC visibility push(hidden)

enum { ESRCH = 3, EIO = 5, ENOEXEC = 8, ECHILD = 10, EBUSY = 16, EINVAL = 22, EUCLEAN = 117, ETIMEDOUT = 110 };

enum {
    SYS_READ = 0, SYS_LSEEK = 8, SYS_PREAD64 = 17, SYS_PWRITE64 = 18, SYS_NANOSLEEP = 35, SYS_SENDMSG = 46,
    SYS_RECVFROM = 45, SYS_PTRACE = 101, SYS_SCHED_SETSCHEDULER = 144, SYS_GETDENTS64 = 217, SYS_CLOCK_GETTIME = 228,
    SYS_WAITID = 247, SYS_PROCESS_VM_READV = 310, SYS_PROCESS_VM_WRITEV = 311, SYS_PIDFD_GETFD = 438
};

enum {
    PTRACE_CONT = 7, PTRACE_GETREGS = 12, PTRACE_SETREGS = 13, PTRACE_DETACH = 17, PTRACE_INTERRUPT = 0x4207,
    PTRACE_GETSIGMASK = 0x420a, PTRACE_SETSIGMASK = 0x420b
};

/* struct user_regs_struct */
enum {
    R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, ORIG_RAX, RIP, CS, EFLAGS, RSP
};

#define POINTER(type, word) ((type *)(uintptr_t)(word))

INLINE long graft_ptrace(long request, struct graft_tracee *thread, long address, const void *data)
{
    return graft_syscall(SYS_PTRACE, request, thread->tid, address, (long)data, 0, 0);
}

uint64_t graft_now(void);
long graft_pause(struct graft_stop *stop, uint32_t *polls, uint32_t looks);
long graft_memory_read(struct graft_stop *stop, uint64_t from, void *to, uint64_t size);

long graft_tracee_stop(struct graft_stop *stop, struct graft_tracee *thread);
long graft_tracee_stop_all(struct graft_stop *stop);
long graft_tracee_write(struct graft_tracee *thread);
long graft_tracee_resume(struct graft_tracee *thread);
long graft_tracee_detach_all(struct graft_stop *stop);
long graft_tracee_repair(struct graft_tracee *thread);
long graft_tracee_restarts(const struct graft_tracee *thread);

long graft_handover_borrow(struct graft_operation *op);
long graft_handover_connect(struct graft_stop *stop, struct graft_operation *op);
long graft_handover_receive(struct graft_stop *stop, struct graft_operation *op);
long graft_handover_await_unmapped(struct graft_stop *stop, struct graft_operation *op);

long graft_text_verify(struct graft_stop *stop, struct graft_operation *op);
long graft_text_move(struct graft_stop *stop, struct graft_operation *op);
long graft_text_leave(struct graft_stop *stop, struct graft_operation *op);
long graft_text_restore(struct graft_stop *stop, struct graft_operation *op);
long graft_text_write(struct graft_stop *stop, uint64_t to, const void *from, uint64_t size);

/* A part of a stack, from below a stack pointer on. */
struct graft_stack {
    uint64_t pointer, bottom;
    uint64_t *words;
    long count;
};

void graft_stack_read(struct graft_stop *stop, uint64_t pointer, struct graft_stack *stack);
long graft_stack_is_frame(const struct graft_stack *stack, long i);
long graft_stack_write(struct graft_stop *stop, const struct graft_stack *stack, long i, uint64_t word);
uint64_t graft_stack_below(const struct graft_stack *stack);

long graft_idle_check(struct graft_stop *stop, struct graft_operation *op);

#endif
