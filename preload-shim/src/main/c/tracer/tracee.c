/*
 * Stopping and resuming threads. Runs in the daemon, on the OS thread that seized. Uses no libc. Ordering rule: an
 * interrupted system call is repaired as soon as its thread has stopped, so that dying later shows nothing.
 */
#include "tracer.h"

enum { P_PID = 1, WSTOPPED = 2, WEXITED = 4, WNOHANG = 1, WNOWAIT = 0x1000000, WALL = 0x40000000 };
enum { CLD_DUMPED = 3, EVENT_STOP = 128, EVENT_EXEC = 4 };
enum { LOOKS = 24 }; /* the thread may wait for the very processor that looks */
enum { EINTR = 4, ERESTARTSYS = 512, ERESTARTNOHAND = 514, ERESTART_RESTARTBLOCK = 516 };

struct siginfo {
    int32_t signal, error, code, pad, pid, uid, status;
};

static long wait_for(struct graft_tracee *thread, long options)
{
    struct siginfo *info = (void *)thread->info;
    info->pid = 0;
    long result = graft_syscall(SYS_WAITID, P_PID, thread->tid, (long)info, options | WNOHANG | WALL, 0, 0);
    return result < 0 ? result : info->pid != 0;
}

static long gone(struct graft_tracee *thread, long error)
{
    if (error != -ESRCH && error != -ECHILD) return error;
    thread->state = GRAFT_TRACEE_GONE;
    return 0;
}

/* The kernel's own code for "start again unless a handler runs" takes the place of EINTR. */
long graft_tracee_repair(struct graft_tracee *thread)
{
    uint64_t *regs = thread->registers;
    if ((int64_t)regs[ORIG_RAX] < 0 || (int64_t)regs[RAX] != -EINTR) return 0;
    regs[RAX] = (uint64_t)-ERESTARTNOHAND;
    return 1;
}

/* Whether the thread's next instruction is the syscall before its program counter. */
long graft_tracee_restarts(const struct graft_tracee *thread)
{
    int64_t result = (int64_t)thread->registers[RAX];
    if ((int64_t)thread->registers[ORIG_RAX] < 0) return 0;
    return result == -EINTR || result == -ERESTART_RESTARTBLOCK
           || (result <= -ERESTARTSYS && result >= -ERESTARTNOHAND);
}

long graft_tracee_write(struct graft_tracee *thread)
{
    return graft_ptrace(PTRACE_SETREGS, thread, 0, thread->registers);
}

static long stopped(struct graft_tracee *thread)
{
    long result = graft_ptrace(PTRACE_GETREGS, thread, 0, thread->registers);
    if (result == 0 && graft_tracee_repair(thread)) result = graft_tracee_write(thread);
    if (result == 0) thread->state = GRAFT_TRACEE_STOPPED;
    return result;
}

/* A signal on its way is passed on; its stop may have taken the place of the one that was asked for. */
static long reported(struct graft_tracee *thread, int32_t status)
{
    long event = status >> 8;
    if (event == EVENT_STOP) return stopped(thread);
    if (event == EVENT_EXEC) {
        graft_ptrace(PTRACE_DETACH, thread, 0, 0);
        thread->state = GRAFT_TRACEE_GONE;
        return 0;
    }
    long result = graft_ptrace(PTRACE_INTERRUPT, thread, 0, 0);
    return result ? result : graft_ptrace(PTRACE_CONT, thread, 0, POINTER(void, (uint32_t)status & 0xff));
}

/* Looks once. The end of a thread is looked at, never taken: the exit code may be somebody else's. */
static long look(struct graft_tracee *thread)
{
    long any = wait_for(thread, WSTOPPED);
    if (any > 0) return gone(thread, reported(thread, ((struct siginfo *)(void *)thread->info)->status));
    if (any < 0) return gone(thread, any);
    any = wait_for(thread, WEXITED | WNOWAIT);
    if (any > 0 && ((struct siginfo *)(void *)thread->info)->code <= CLD_DUMPED) thread->state = GRAFT_TRACEE_GONE;
    return any < 0 ? gone(thread, any) : 0;
}

/*
 * A thread that was asked runs on until it stops. With others, the first that stops is held from some time after the first
 * was asked; one alone is held from the last look on that found it running.
 */
static long await(struct graft_stop *stop, struct graft_tracee *thread)
{
    uint32_t polls = 0;
    int sets_began = stop->thread_count == 1 && stop->began == 0;
    for (;;) {
        uint64_t before = sets_began ? graft_now() : 0;
        long result = look(thread);
        if (sets_began && thread->state != GRAFT_TRACEE_ASKED) stop->began = before;
        if (result) return result;
        if (thread->state != GRAFT_TRACEE_ASKED) return 0;
        result = graft_pause(stop, &polls, LOOKS);
        if (result) return result;
    }
}

static long interrupt(struct graft_tracee *thread)
{
    if (thread->state != GRAFT_TRACEE_RUNNING) return 0;
    long result = graft_ptrace(PTRACE_INTERRUPT, thread, 0, 0);
    if (result) return gone(thread, result);
    thread->state = GRAFT_TRACEE_ASKED;
    return 0;
}

long graft_tracee_stop(struct graft_stop *stop, struct graft_tracee *thread)
{
    long result = interrupt(thread);
    if (result == 0) result = await(stop, thread);
    if (result == 0 && thread->state == GRAFT_TRACEE_GONE) result = -ESRCH;
    if (result) stop->culprit = thread->tid;
    return result;
}

static long is_listed(struct graft_stop *stop, long tid)
{
    uint64_t *threads = POINTER(uint64_t, stop->threads);
    for (uint32_t i = 0; i < stop->thread_count; i++)
        if (POINTER(struct graft_tracee, threads[i])->tid == tid) return 1;
    return 0;
}

/* struct linux_dirent64: inode, offset, length, type, name. */
static long all_listed(struct graft_stop *stop, const char *entries, long size)
{
    for (long at = 0; at < size; at += *(const uint16_t *)(const void *)(entries + at + 16)) {
        long tid = 0;
        for (const char *digit = entries + at + 19; *digit >= '0' && *digit <= '9'; digit++) tid = tid * 10 + *digit - '0';
        if (tid && !is_listed(stop, tid)) return 0;
    }
    return 1;
}

/* 1 when the process has threads that are not in the list. */
static long has_others(struct graft_stop *stop)
{
    char entries[256] __attribute__((aligned(8)));
    long size = graft_syscall(SYS_LSEEK, stop->tasks, 0, 0, 0, 0, 0);
    if (size) return size;
    for (;;) {
        size = graft_syscall(SYS_GETDENTS64, stop->tasks, (long)entries, sizeof entries, 0, 0, 0);
        if (size <= 0) return size;
        if (!all_listed(stop, entries, size)) return 1;
    }
}

long graft_tracee_stop_all(struct graft_stop *stop)
{
    uint64_t *threads = POINTER(uint64_t, stop->threads);
    for (uint32_t i = 0; i < stop->thread_count; i++) {
        long result = interrupt(POINTER(struct graft_tracee, threads[i]));
        if (result) return result;
    }
    for (uint32_t i = 0; i < stop->thread_count; i++) {
        struct graft_tracee *thread = POINTER(struct graft_tracee, threads[i]);
        long result = await(stop, thread);
        if (result) return stop->culprit = thread->tid, result;
    }
    return has_others(stop);
}

long graft_tracee_resume(struct graft_tracee *thread)
{
    long result = graft_ptrace(PTRACE_CONT, thread, 0, 0);
    if (result == 0) thread->state = GRAFT_TRACEE_RUNNING;
    return result;
}

long graft_tracee_detach_all(struct graft_stop *stop)
{
    uint64_t *threads = POINTER(uint64_t, stop->threads);
    for (uint32_t i = 0; i < stop->thread_count; i++) {
        struct graft_tracee *thread = POINTER(struct graft_tracee, threads[i]);
        if (thread->state != GRAFT_TRACEE_STOPPED) continue;
        long result = graft_ptrace(PTRACE_DETACH, thread, 0, 0);
        if (result && gone(thread, result)) return result;
        if (result == 0) thread->state = GRAFT_TRACEE_RUNNING;
    }
    return 0;
}
