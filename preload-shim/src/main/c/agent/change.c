/*
 * What programs do in the name of a thread. Runs in the target, before or behind its system call (see runtime.h). Takes no
 * lock: a signal's handler may interrupt it, run other programs, and never return.
 */
#include "runtime.h"

enum { CLOCK_MONOTONIC = 1, TIMER_ABSTIME = 1, EINTR = 4, ARGUMENTS = 6 };

#define SECOND_NANOS 1000000000ull
#define SLICE_NANOS 50000000ull /* so long after the end of the probes a delay ends at most */

/* What thunks ask. */
static int probes_run(void)
{
    const volatile uint32_t *lifeline = (void *)(graft_runtime() - GRAFT_LIFELINE_SIZE);
    uint32_t active = __atomic_load_n(&graft_state()->active, __ATOMIC_RELAXED);
    uint32_t followed = __atomic_load_n(&graft_config()->followed, __ATOMIC_RELAXED);
    return (active || followed) && *lifeline < GRAFT_LIFELINE_CUT;
}

/* Signals are handled meanwhile, and the delay is not longer for it: its end is a time of the clock. */
EXPORT long graft_helper_delay(uint64_t nanos)
{
    uint64_t now = graft_monotonic_nanos();
    uint64_t end = nanos > ~0ull - now ? ~0ull : now + nanos;
    for (; now < end && probes_run(); now = graft_monotonic_nanos()) {
        uint64_t until = end - now > SLICE_NANOS ? now + SLICE_NANOS : end;
        const int64_t time[2] = {(int64_t)(until / SECOND_NANOS), (int64_t)(until % SECOND_NANOS)};
        long slept = graft_call(SYS_CLOCK_NANOSLEEP, CLOCK_MONOTONIC, TIMER_ABSTIME, (long)time, 0, 0, 0);
        if (slept && slept != -EINTR)
            return slept;
    }
    return 0;
}

/* Memory that the process cannot write itself stays as it is; threads may unmap it meanwhile. */
EXPORT long graft_helper_probe_write_user(uint64_t to, const void *from, uint32_t size)
{
    const uint64_t local[2] = {(uint64_t)from, size}, remote[2] = {to, size};
    long written = graft_call(SYS_PROCESS_VM_WRITEV, graft_own_tid(), (long)local, 1, (long)remote, 1, 0);
    return written == (long)size ? 0 : written == -EPERM ? written : -EFAULT;
}

/* A call of the application's own, so also in a process that is under a filter. */
EXPORT long graft_helper_make_call(
    long number, const uint64_t *arguments, uint64_t size, uint64_t replaced, const void *by)
{
    long with[ARGUMENTS];
    if (size != sizeof(with))
        return -EINVAL;
    for (int i = 0; i < ARGUMENTS; i++)
        with[i] = replaced >> i & 1 ? (long)by : (long)arguments[i];
    return graft_syscall(number, with[0], with[1], with[2], with[3], with[4], with[5]);
}
