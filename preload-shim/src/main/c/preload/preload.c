/*
 * The LD_PRELOAD library: tells the daemon about this process and waits until it has attached. Runs once, in a target,
 * on the main thread, in the dynamic loader, before main and maybe before libc's own constructors: no libc, no TLS, no
 * writable data. Whatever fails, the program starts as if this library were not there. Ordering rule: the environment
 * is cleaned last, after the descriptor is closed, so nothing of this library is left when main starts.
 */
#include "../sys.h"
#include "layout.h"

enum { EINTR = 4, EAGAIN = 11, AF_UNIX = 1, SOCK_STREAM = 1, SOCK_NONBLOCK = 04000, SOCK_CLOEXEC = 02000000 };
enum { POLLIN = 1, MSG_NOSIGNAL = 0x4000, CLOCK_MONOTONIC = 1, PATH_MAX_UNIX = 107, RETRY_MILLIS = 5 };
enum {
    SYS_CLOSE = 3, SYS_POLL = 7, SYS_GETPID = 39, SYS_SOCKET = 41, SYS_CONNECT = 42, SYS_SENDTO = 44,
    SYS_GETTID = 186, SYS_CLOCK_GETTIME = 228
};

struct graft_unix_address {
    uint16_t family;
    char path[PATH_MAX_UNIX + 1];
};

struct graft_poll {
    int32_t fd;
    int16_t events;
    int16_t revents;
};

static const char socket_name[] = "GRAFT_SOCKET=";
static const char preload_name[] = "LD_PRELOAD=";
static const char own_file[] = "graft-preload.so";

static uint32_t length_of(const char *text)
{
    uint32_t length = 0;
    while (text[length])
        length++;
    return length;
}

/* The value when the entry is NAME=value, else 0. */
static char *value_of(char *entry, const char *name)
{
    for (; *name; name++, entry++)
        if (*entry != *name)
            return 0;
    return entry;
}

static int64_t now_millis(void)
{
    int64_t now[2] = {0, 0};
    graft_syscall(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)now, 0, 0, 0, 0);
    return now[0] * 1000 + now[1] / 1000000;
}

/* A connection to the daemon, or a negative errno. The path must fit a socket address, else it cannot exist. */
static long open_connection(const char *path, int64_t deadline)
{
    struct graft_unix_address address = {.family = AF_UNIX};
    uint32_t length = length_of(path);
    if (!length || length > PATH_MAX_UNIX)
        return -EAGAIN;
    for (uint32_t i = 0; i < length; i++)
        address.path[i] = path[i];
    long fd = graft_syscall(SYS_SOCKET, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, 0, 0, 0);
    if (fd < 0)
        return fd;
    long result;
    /* EAGAIN: the daemon's queue is full. Connecting without blocking keeps the wait bounded. */
    while ((result = graft_syscall(SYS_CONNECT, fd, (long)&address, 2 + length + 1, 0, 0, 0)) == -EAGAIN &&
           now_millis() < deadline)
        graft_syscall(SYS_POLL, 0, 0, RETRY_MILLIS, 0, 0, 0);
    if (result < 0)
        graft_syscall(SYS_CLOSE, fd, 0, 0, 0, 0, 0);
    return result < 0 ? result : fd;
}

/* Says hello and waits for one byte, the end of the connection or the deadline. */
static void greet(long fd, int64_t deadline)
{
    struct graft_hello hello = {
        .magic = GRAFT_HELLO_MAGIC,
        .abi = GRAFT_PRELOAD_ABI,
        .pid = (uint32_t)graft_syscall(SYS_GETPID, 0, 0, 0, 0, 0, 0),
        .tid = (uint32_t)graft_syscall(SYS_GETTID, 0, 0, 0, 0, 0, 0),
    };
    if (graft_syscall(SYS_SENDTO, fd, (long)&hello, sizeof(hello), MSG_NOSIGNAL, 0, 0) != sizeof(hello))
        return;
    struct graft_poll poll = {.fd = (int32_t)fd, .events = POLLIN};
    int64_t left;
    /* The daemon attaches during this call, which may interrupt it. */
    while ((left = deadline - now_millis()) > 0 &&
           graft_syscall(SYS_POLL, (long)&poll, 1, left, 0, 0, 0) == -EINTR) {}
}

static int is_own(const char *entry, uint32_t length)
{
    uint32_t own = sizeof(own_file) - 1;
    if (length < own || (length > own && entry[length - own - 1] != '/'))
        return 0;
    for (uint32_t i = 0; i < own; i++)
        if (entry[length - own + i] != own_file[i])
            return 0;
    return 1;
}

static int is_separator(char c) { return c == ':' || c == ' '; }

/* Takes this library out of a list of libraries, in place. Returns what is left of the length. */
static uint32_t remove_own(char *list)
{
    char *to = list;
    for (const char *from = list; *from;) {
        uint32_t length = 0;
        while (from[length] && !is_separator(from[length]))
            length++;
        if (length && !is_own(from, length)) {
            if (to != list)
                *to++ = ':';
            for (uint32_t i = 0; i < length; i++)
                *to++ = from[i];
        }
        from += length;
        while (is_separator(*from))
            from++;
    }
    *to = 0;
    return (uint32_t)(to - list);
}

/* Makes the environment what it would be without this library; entries move up, their order stays. */
static void clean_environment(char **envp)
{
    char **to = envp;
    for (char **from = envp; *from; from++) {
        char *list = value_of(*from, preload_name);
        if (!value_of(*from, socket_name) && !(list && !remove_own(list)))
            *to++ = *from;
    }
    *to = 0;
}

static void graft_preload(int argc, char **argv, char **envp)
{
    /* glibc passes these; other loaders call constructors with whatever the registers hold. */
    if (argc < 0 || !argv || envp != argv + argc + 1)
        return;
    const char *path = 0;
    for (char **entry = envp; *entry && !path; entry++)
        path = value_of(*entry, socket_name);
    if (!path)
        return;
    int64_t deadline = now_millis() + GRAFT_WAIT_MILLIS;
    long fd = open_connection(path, deadline);
    if (fd >= 0) {
        greet(fd, deadline);
        graft_syscall(SYS_CLOSE, fd, 0, 0, 0, 0, 0);
    }
    clean_environment(envp);
}

__attribute__((section(".init_array"), used)) static void (*const graft_constructor)(int, char **, char **) = graft_preload;
