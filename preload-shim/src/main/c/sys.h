/*
 * System calls without libc. Async-signal-safe; may run in a tracee before libc is relocated. Results are the kernel's:
 * a negative errno when the call failed.
 */
#ifndef GRAFT_SYS_H
#define GRAFT_SYS_H

#define INLINE static inline __attribute__((always_inline))

INLINE long graft_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
