/*
 * The entry of the tracer: performs operations in order until one fails. Runs in the daemon, on the OS thread that
 * seized. Uses no libc. Ordering rule: an operation begins when the one before has ended.
 */
#include "tracer.h"

enum { CLOCK_MONOTONIC = 1, PAUSE_NANOS = 10000, DOUBLINGS = 3 };

uint64_t graft_now(void)
{
    struct { int64_t seconds, nanos; } time;
    graft_syscall(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)&time, 0, 0, 0, 0);
    return (uint64_t)time.seconds * 1000000000u + (uint64_t)time.nanos;
}

/*
 * Between two looks. The first `looks` times not at all: what is waited for mostly happens within microseconds, and a
 * processor that sleeps in a virtual machine takes some 50 us to come back. Then twice as long each time up to 80 us: the
 * thread waits for a processor, and this one is real-time, so looking often keeps it waiting; but a thread that has
 * stopped meanwhile is held for the rest of a pause.
 */
long graft_pause(struct graft_stop *stop, uint32_t *polls, uint32_t looks)
{
    struct { int64_t seconds, nanos; } time = {0, PAUSE_NANOS};
    if ((*polls)++ < looks) return 0;
    if ((int64_t)(graft_now() - stop->deadline) > 0) return -ETIMEDOUT;
    uint32_t doublings = *polls - looks - 1;
    time.nanos <<= doublings < DOUBLINGS ? doublings : DOUBLINGS;
    graft_syscall(SYS_NANOSLEEP, (long)&time, 0, 0, 0, 0, 0);
    return 0;
}

/* Less than asked when the range ends in memory that is not mapped. */
long graft_memory_read(struct graft_stop *stop, uint64_t from, void *to, uint64_t size)
{
    struct { uint64_t address, size; } local = {(uint64_t)(uintptr_t)to, size}, remote = {from, size};
    return graft_syscall(SYS_PROCESS_VM_READV, stop->pid, (long)&local, 1, (long)&remote, 1, 0);
}

static long redirect(struct graft_operation *op)
{
    struct graft_tracee *thread = POINTER(struct graft_tracee, op->a);
    thread->registers[RIP] = op->b;
    thread->registers[ORIG_RAX] = -1ull;
    return graft_tracee_write(thread);
}

/* The thread goes on where it was, as if it had never been stopped. */
static long give_back(struct graft_operation *op)
{
    struct graft_tracee *thread = POINTER(struct graft_tracee, op->a);
    const uint64_t *kept = POINTER(uint64_t, op->b);
    for (unsigned i = 0; i < sizeof thread->registers / sizeof *kept; i++) thread->registers[i] = kept[i];
    graft_tracee_repair(thread);
    return graft_tracee_write(thread);
}

static long set_policy(struct graft_operation *op)
{
    int32_t priority = (int32_t)op->c;
    graft_syscall(SYS_SCHED_SETSCHEDULER, (long)op->a, (long)op->b, (long)&priority, 0, 0, 0);
    return 0;
}

static long send(struct graft_operation *op)
{
    long fd = POINTER(struct graft_operation, op->a)->result;
    long sent = graft_syscall(SYS_SENDMSG, fd, (long)op->b, 0x4040, 0, 0, 0); /* MSG_NOSIGNAL | MSG_DONTWAIT */
    return sent < 0 ? sent : 0;
}

static long require_64(struct graft_operation *op)
{
    return POINTER(struct graft_tracee, op->a)->registers[CS] == 0x33 ? 0 : -ENOEXEC;
}

static long on_thread(struct graft_stop *stop, struct graft_operation *op)
{
    struct graft_tracee *thread = POINTER(struct graft_tracee, op->a);
    switch (op->code & 0xff) {
    case GRAFT_OP_STOP_ONE: return graft_tracee_stop(stop, thread);
    case GRAFT_OP_REQUIRE_64: return require_64(op);
    case GRAFT_OP_BORROW: return graft_handover_borrow(op);
    case GRAFT_OP_REDIRECT: return redirect(op);
    case GRAFT_OP_SIGNAL_MASK: return graft_ptrace(PTRACE_SETSIGMASK, thread, 8, POINTER(void, op->b));
    case GRAFT_OP_GIVE_BACK: return give_back(op);
    case GRAFT_OP_RESUME: return graft_tracee_resume(thread);
    default: return -EINVAL;
    }
}

static long perform(struct graft_stop *stop, struct graft_operation *op)
{
    switch (op->code & 0xff) {
    case GRAFT_OP_STOP_ALL: return graft_tracee_stop_all(stop);
    case GRAFT_OP_WRITE: return graft_text_write(stop, op->a, POINTER(void, op->b), op->c);
    case GRAFT_OP_POLICY: return set_policy(op);
    case GRAFT_OP_CONNECT: return graft_handover_connect(stop, op);
    case GRAFT_OP_SEND: return send(op);
    case GRAFT_OP_RECEIVE: return graft_handover_receive(stop, op);
    case GRAFT_OP_AWAIT_UNMAPPED: return graft_handover_await_unmapped(stop, op);
    case GRAFT_OP_VERIFY: return graft_text_verify(stop, op);
    case GRAFT_OP_MOVE: return graft_text_move(stop, op);
    case GRAFT_OP_DETACH_ALL: return graft_tracee_detach_all(stop);
    case GRAFT_OP_LEAVE: return graft_text_leave(stop, op);
    case GRAFT_OP_RESTORE: return graft_text_restore(stop, op);
    case GRAFT_OP_IDLE: return graft_idle_check(stop, op);
    default: return on_thread(stop, op);
    }
}

static long is_elsewhere(const struct graft_operation *op)
{
    uint64_t at = POINTER(struct graft_tracee, op->thread)->registers[RIP];
    return at < op->start || at >= op->end;
}

/* 0; 1 when there are threads to be seized first; or the negative errno of the operation that failed. Its number is in
 * the stop. */
__attribute__((visibility("default"))) long graft_tracer_run(struct graft_stop *stop)
{
    struct graft_operation *operations = POINTER(struct graft_operation, stop->operations);
    if (stop->began == 0 && stop->thread_count != 1) stop->began = graft_now();
    for (; stop->next < stop->count; stop->next++) {
        struct graft_operation *op = &operations[stop->next];
        if (op->thread && is_elsewhere(op)) continue;
        op->result = perform(stop, op);
        if (op->result < 0) return op->result;
        if (op->result == 1 && op->code == GRAFT_OP_STOP_ALL) return 1;
    }
    stop->ended = graft_now();
    return 0;
}
