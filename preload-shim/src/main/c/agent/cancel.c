/*
 * Runs in the handler of the signal by which a C library cancels a thread, in the thread that the signal has interrupted,
 * before anything of the handler: no locks, and no state but a timer of the kernel, whose value is the pool, so that whoever
 * takes the pool away finds it (see Cancellations.java). Ordering rule: a timer is gone before its signal is handed on.
 */
#include "runtime.h"

enum { SYS_TIMER_CREATE = 222, SYS_TIMER_SETTIME = 223, SYS_TIMER_DELETE = 226 };
enum { CLOCK_MONOTONIC = 1, SIGEV_THREAD_ID = 4, SI_TIMER = -2, SI_TKILL = -6 };

/* Twice as long each time. Who is still there then waits for something, in a call that a program makes in its name. */
#define LATER_NANOS 50000
#define MOST_TRIES 15
#define VDSO_BYTES 0x2000ull /* at most */

/* siginfo_t of a timer, and of tgkill(2), which has the sender where a timer has its number (asm-generic/siginfo.h). */
struct graft_siginfo {
    int32_t signo, error, code, padding;
    uint32_t timer_or_sender, overrun;
    uint64_t value;
};

/* struct sigevent (asm-generic/siginfo.h). */
struct graft_sigevent {
    uint64_t value;
    int32_t signo, notify, tid, padding[11];
};

/* The beginning of ucontext_t: flags, link, stack, and the registers up to rip (asm/sigcontext.h). */
struct graft_ucontext {
    uint64_t head[5], registers[16], rip;
};

_Static_assert(sizeof(struct graft_sigevent) == 64, "sigevent");
_Static_assert(__builtin_offsetof(struct graft_siginfo, timer_or_sender) == 16, "siginfo");
_Static_assert(__builtin_offsetof(struct graft_ucontext, rip) == 168, "ucontext");

static uint64_t value_of(uint64_t tries, uint32_t sender)
{
    uint64_t pool = (uint64_t)graft_runtime() + GRAFT_RUNTIME_SIZE;
    return tries << GRAFT_CANCEL_TRIES_SHIFT | pool << GRAFT_CANCEL_POOL_SHIFT | (sender & GRAFT_CANCEL_SENDER_MASK);
}

/* The signal again, to this thread. */
static int come_again(int signal, uint64_t tries, uint32_t sender)
{
    const int64_t once[4] = {0, 0, 0, (int64_t)LATER_NANOS << tries};
    struct graft_sigevent event = {
        .value = value_of(tries + 1, sender), .signo = signal, .notify = SIGEV_THREAD_ID, .tid = (int32_t)graft_own_tid()};
    uint32_t timer;
    if (graft_call(SYS_TIMER_CREATE, CLOCK_MONOTONIC, (long)&event, (long)&timer, 0, 0, 0))
        return 0;
    if (!graft_call(SYS_TIMER_SETTIME, timer, 0, (long)once, 0, 0, 0))
        return 1;
    graft_call(SYS_TIMER_DELETE, timer, 0, 0, 0, 0, 0);
    return 0;
}

/* What comes again becomes what has come too early. */
static void become_first(struct graft_siginfo *info)
{
    graft_call(SYS_TIMER_DELETE, info->timer_or_sender, 0, 0, 0, 0, 0);
    info->code = SI_TKILL;
    info->timer_or_sender = info->value & GRAFT_CANCEL_SENDER_MASK;
    info->overrun = 0;
}

/* In a pool, or in the vDSO, which helpers call; who else calls that is there for no longer. */
static int is_ours(uint64_t address)
{
    uint64_t clock = graft_config()->clock_gettime;
    return graft_runtime_of(address) || (clock && address - clock + VDSO_BYTES < 2 * VDSO_BYTES);
}

/*
 * Whether the handler has to wait: the thread would be unwound from code of ours, which no unwinder knows and of which the
 * function around it knows nothing. It leaves that code in a moment, and the signal comes again.
 */
EXPORT long graft_cancel_later(int signal, struct graft_siginfo *info, struct graft_ucontext *context)
{
    uint64_t tries = 0;
    if (info->code == SI_TIMER) {
        tries = info->value >> GRAFT_CANCEL_TRIES_SHIFT;
        if (info->value != value_of(tries, (uint32_t)info->value))
            return 0;
        become_first(info);
    }
    return info->code == SI_TKILL && tries < MOST_TRIES && is_ours(context->rip) &&
           come_again(signal, tries, info->timer_or_sender);
}
