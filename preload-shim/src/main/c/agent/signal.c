/*
 * Signals of programs. A program only notes them in its run's frame. They are sent behind its last instruction, when it has no
 * lock and no unfinished record: the handler runs where the call of this file is, stops and kills there, and may never return.
 * Runs in the target, anywhere (see runtime.h). Takes no lock.
 */
#include "runtime.h"

enum {
    SIGNALS = 64, FIRST_QUEUED = 32, MOST_MORE = 255, SET_BYTES = 8, SIG_BLOCK = 0, SIG_SETMASK = 2, SI_KERNEL = 0x80,
    SIGCONT = 18, SIGSTOP = 19, SIGTTOU = 22
};

/* Where the kernel's first process is, and no other process has that number. */
#define FIRST_PID_NAMESPACE 0xeffffffc

enum kind { PROCESS, THREAD };

struct info {
    int32_t number, error, code, pad;
    uint64_t rest[14]; /* the sender is nobody, as of a signal that the kernel makes */
};

INLINE uint64_t bit(uint32_t number) { return 1ull << (number - 1); }

/* Those that stop and the one that goes on take each other away while they are pending. */
static uint64_t taken_away_by(uint32_t number)
{
    uint64_t stops = bit(SIGTTOU + 1) - bit(SIGSTOP);
    return number == SIGCONT ? stops : bit(number) & stops ? bit(SIGCONT) : 0;
}

/* Standard signals are pending once, as in the kernel; others as often as they are sent. */
static long note(uint32_t number, struct graft_signals *noted, enum kind kind)
{
    struct graft_config *config = graft_config();
    uint64_t *set = kind == PROCESS ? &noted->process : &noted->thread;
    uint8_t *more = noted->more + kind * SIGNALS + number - 1;
    if (config->confined || (graft_tgid() == 1 && config->pid_namespace == FIRST_PID_NAMESPACE))
        return -EPERM;
    if (number > SIGNALS)
        return -EINVAL;
    if (!number)
        return 0;
    noted->process &= ~taken_away_by(number);
    noted->thread &= ~taken_away_by(number);
    if (!(*set & bit(number))) {
        *set |= bit(number);
        *more = 0;
    } else if (number >= FIRST_QUEUED) {
        if (*more == MOST_MORE)
            return -EAGAIN;
        ++*more;
    }
    return 0;
}

EXPORT long graft_helper_send_signal(uint32_t number, struct graft_signals *noted)
{
    return note(number, noted, PROCESS);
}

EXPORT long graft_helper_send_signal_thread(uint32_t number, struct graft_signals *noted)
{
    return note(number, noted, THREAD);
}

/*
 * To this thread, or by way of it to the process: it is asked first, as by the kernel, whether it takes the signal. A child of
 * vfork has its parent's memory, so the kernel is asked who this is. A queue that is full loses what the signal says, not the
 * signal, as the kernel's own do.
 */
static void send(uint32_t number, enum kind kind)
{
    long process = graft_call(SYS_GETPID, 0, 0, 0, 0, 0, 0), thread = graft_call(SYS_GETTID, 0, 0, 0, 0, 0, 0);
    struct info info = {(int32_t)number, 0, SI_KERNEL, 0, {0}};
    long sent;
    do {
        sent = kind == PROCESS ? graft_call(SYS_RT_SIGQUEUEINFO, thread, number, (long)&info, 0, 0, 0)
                               : graft_call(SYS_RT_TGSIGQUEUEINFO, process, thread, number, (long)&info, 0, 0);
        if (sent == -EAGAIN && !info.code)
            return;
        info.code = 0;
    } while (sent == -EAGAIN);
}

/*
 * All are pending before the first one is handled, so none is lost with a handler that does not return, and handlers run in
 * the kernel's order. This thread blocks them meanwhile, so another one would be given what is for the process: only where
 * the application blocks it here as well.
 */
static void send_all(const struct graft_signals *noted, enum kind kind)
{
    uint64_t set = kind == PROCESS ? noted->process : noted->thread, all = ~0ull, blocked = 0;
    const uint8_t *more = noted->more + kind * SIGNALS;
    uint32_t last = set ? 64 - (uint32_t)__builtin_clzll(set) : 0;
    int several = set && (set != bit(last) || more[last - 1]);
    if (several)
        graft_call(SYS_RT_SIGPROCMASK, SIG_BLOCK, (long)&all, (long)&blocked, SET_BYTES, 0, 0);
    for (uint32_t number = 1; number <= last; number++) {
        enum kind to = several && !(blocked & bit(number)) ? THREAD : kind;
        for (int left = set & bit(number) ? 1 + more[number - 1] : 0; left; left--)
            send(number, to);
    }
    if (several)
        graft_call(SYS_RT_SIGPROCMASK, SIG_SETMASK, (long)&blocked, 0, SET_BYTES, 0, 0);
}

/* A handler may run other programs here; what this run has noted is its own. */
EXPORT void graft_helper_send_noted_signals(const struct graft_signals *noted)
{
    send_all(noted, PROCESS);
    send_all(noted, THREAD);
}
