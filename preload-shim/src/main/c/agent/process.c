/* Facts about the process, the thread and the time. Runs in the target, anywhere (see runtime.h). Takes no lock. */
#include "runtime.h"

enum { CLOCK_MONOTONIC = 1, CLOCK_BOOTTIME = 7, CLOCK_TAI = 11, PR_GET_NAME = 16 };

struct graft_timespec {
    int64_t seconds;
    int64_t nanos;
};

static uint64_t read_clock(long clock)
{
    struct graft_timespec now = {0, 0};
    uint64_t vdso = graft_config()->clock_gettime;
    if (!vdso || ((int (*)(long, struct graft_timespec *))vdso)(clock, &now))
        graft_call(SYS_CLOCK_GETTIME, clock, (long)&now, 0, 0, 0, 0);
    return (uint64_t)now.seconds * 1000000000ull + (uint64_t)now.nanos;
}

/*
 * In a child of the process that this memory was prepared for. One whose parent is outside its pid namespace, which the kernel
 * shows as 0, is the first that has other numbers there.
 */
void graft_adopt(void)
{
    struct graft_config *config = graft_config();
    uint32_t before = config->tgid;
    long pid = graft_call(SYS_GETPID, 0, 0, 0, 0, 0, 0);
    uint32_t own = pid > 0 ? (uint32_t)pid : graft_own_tid(); /* it begins with one thread */
    uint32_t number = own;
    if (config->numbers && (config->translated || !graft_call(SYS_GETPPID, 0, 0, 0, 0, 0, 0))) {
        number = graft_ask_process(own);
        if (!number && __atomic_load_n(&graft_state()->active, __ATOMIC_ACQUIRE))
            return; /* a signal handler or another thread has had an answer */
        if (!number)
            config->pid_namespace = 0;
        config->own_tgid = own;
        config->translated = 1;
    }
    number = number ? number : GRAFT_UNKNOWN_PROCESS;
    __atomic_compare_exchange_n(&config->tgid, &before, number, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    __atomic_store_n(&graft_state()->active, 1, __ATOMIC_RELEASE);
}

uint64_t graft_monotonic_nanos(void) { return read_clock(CLOCK_MONOTONIC); }
uint64_t graft_boot_nanos(void) { return read_clock(CLOCK_BOOTTIME) - (uint64_t)graft_config()->boot_ahead; }

/* Programs in the kernel see its own clocks, whatever namespace the process is in. */
uint64_t graft_kernel_nanos(void) { return read_clock(CLOCK_MONOTONIC) - (uint64_t)graft_config()->monotonic_ahead; }

EXPORT uint64_t graft_helper_ktime_get_ns(void) { return graft_kernel_nanos(); }
EXPORT uint64_t graft_helper_ktime_get_boot_ns(void) { return graft_boot_nanos(); }
EXPORT uint64_t graft_helper_ktime_get_tai_ns(void) { return read_clock(CLOCK_TAI); }
EXPORT uint64_t graft_helper_get_smp_processor_id(void) { return graft_cpu(); }
EXPORT uint64_t graft_helper_get_numa_node_id(void) { return graft_node(); }

/* A child of vfork has its parent's memory and thread pointer; only the kernel knows that it is another process. */
uint64_t graft_current_ids(void)
{
    struct graft_config *config = graft_config();
    if (!config->followed || config->confined)
        return graft_owner();
    graft_tgid(); /* adopts */
    return (uint64_t)graft_initial((uint32_t)graft_call(SYS_GETPID, 0, 0, 0, 0, 0, 0)) << 32 |
           graft_initial((uint32_t)graft_call(SYS_GETTID, 0, 0, 0, 0, 0, 0));
}

EXPORT uint64_t graft_helper_get_current_pid_tgid(void) { return graft_current_ids(); }

/* As in the kernel, only the namespace that the process is in has numbers to give. */
EXPORT long graft_helper_get_ns_current_pid_tgid(uint64_t device, uint64_t inode, uint32_t *numbers, uint32_t size)
{
    struct graft_config *config = graft_config();
    uint32_t tgid = graft_tgid(); /* adopts */
    uint32_t namespace = config->pid_namespace;
    if (size != 8 || !namespace || inode != namespace || device != config->namespace_device) {
        graft_zero(numbers, size);
        return -EINVAL;
    }
    if (config->followed && !config->confined) {
        numbers[0] = (uint32_t)graft_call(SYS_GETTID, 0, 0, 0, 0, 0, 0);
        numbers[1] = (uint32_t)graft_call(SYS_GETPID, 0, 0, 0, 0, 0, 0);
    } else {
        numbers[0] = graft_own_tid();
        numbers[1] = config->translated ? config->own_tgid : tgid;
    }
    return 0;
}

/* Before a call by which the process may put itself under a filter of system calls: in all pools, whose programs ask their own. */
EXPORT long graft_helper_confine(void)
{
    char *mine = graft_runtime(), *runtime = mine;
    do {
        struct graft_config *config = (void *)(runtime + GRAFT_CONFIG_OFFSET);
        __atomic_store_n(&config->confined, 1, __ATOMIC_RELAXED);
        runtime = (char *)config->next_pool - GRAFT_RUNTIME_SIZE;
    } while (runtime != mine);
    return 0;
}

/* Each thread has its own, and may change them; those of the attach when the kernel cannot be asked. */
EXPORT uint64_t graft_helper_get_current_uid_gid(void)
{
    struct graft_config *config = graft_config();
    long uid = graft_call(SYS_GETUID, 0, 0, 0, 0, 0, 0), gid = graft_call(SYS_GETGID, 0, 0, 0, 0, 0, 0);
    return (uint64_t)(gid == -EPERM ? config->gid : (uint32_t)gid) << 32 | (uid == -EPERM ? config->uid : (uint32_t)uid);
}

/* A sequence with 64 bits of state that threads share; good enough for sampling, as the kernel's is. */
EXPORT uint64_t graft_helper_get_prandom_u32(void)
{
    uint64_t z = __atomic_fetch_add(&graft_config()->random, GRAFT_HASH_FACTOR, __ATOMIC_RELAXED);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return (uint32_t)(z >> 32);
}

/* `name` has GRAFT_COMM_SIZE bytes. */
void graft_name_thread(char *name)
{
    graft_zero(name, GRAFT_COMM_SIZE);
    graft_call(SYS_PRCTL, PR_GET_NAME, (long)name, 0, 0, 0, 0);
    name[GRAFT_COMM_SIZE - 1] = 0;
}

EXPORT long graft_helper_get_current_comm(char *to, uint32_t size)
{
    char name[GRAFT_COMM_SIZE];
    if (!size)
        return -EINVAL;
    graft_name_thread(name);
    uint32_t length = size < GRAFT_COMM_SIZE ? size : GRAFT_COMM_SIZE;
    graft_copy(to, name, length);
    graft_zero(to + length, size - length);
    to[size - 1] = 0;
    return 0;
}
