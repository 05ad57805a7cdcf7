// What it costs nginx that each body is copied once, and nothing else: the row `floor` of `graft bench nginx`. Preloaded, it
// stands between nginx and libssl and copies what SSL_read and SSL_write have moved into memory of the process's own, which it
// goes round. No probe, no record, no reader.
//
// GRAFT_FLOOR names a file of one page that the benchmark writes to. While its first word is 0, calls are only passed on.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGEST (16ull << 20)
#define WORKERS 31

struct worker {
    uint64_t calls;
    uint64_t bytes;
    uint64_t unused[14];
};

struct control {
    volatile uint64_t bytes; // of the memory that is gone round; 0: nothing is copied
    uint64_t workers;
    uint64_t unused[14];
    struct worker of[WORKERS];
};

_Static_assert(sizeof(struct control) == 4096, "the benchmark writes one page");

static struct control nothing;
static struct control *control = &nothing;
static char *memory;
static uint64_t at;
static struct worker *own;

static int (*next_read)(void *, void *, int);
static int (*next_write)(void *, const void *, int);
static int (*next_read_ex)(void *, void *, size_t, size_t *);
static int (*next_write_ex)(void *, const void *, size_t, size_t *);

__attribute__((constructor)) static void begin(void) {
    next_read = (int (*)(void *, void *, int))dlsym(RTLD_NEXT, "SSL_read");
    next_write = (int (*)(void *, const void *, int))dlsym(RTLD_NEXT, "SSL_write");
    next_read_ex = (int (*)(void *, void *, size_t, size_t *))dlsym(RTLD_NEXT, "SSL_read_ex");
    next_write_ex = (int (*)(void *, const void *, size_t, size_t *))dlsym(RTLD_NEXT, "SSL_write_ex");
    const char *file = getenv("GRAFT_FLOOR");
    int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *page = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    // Huge pages, as graft's rings have them: at a multiple of 2 MiB.
    char *room = mmap(NULL, 2 * LARGEST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || room == MAP_FAILED)
        return;
    memory = (char *)(((uintptr_t)room + LARGEST - 1) & -LARGEST);
    madvise(memory, LARGEST, MADV_HUGEPAGE);
    control = page;
}

static void copy(const char *data, uint64_t length) {
    uint64_t bytes = control->bytes;
    if (!bytes)
        return;
    if (!own)
        own = &control->of[__atomic_fetch_add(&control->workers, 1, __ATOMIC_RELAXED) % WORKERS];
    own->calls++;
    own->bytes += length;
    while (length) {
        uint64_t piece = length < bytes ? length : bytes;
        if (at + piece > bytes)
            at = 0;
        char *to = memory + at;
        at += (piece + 63) & -64ull;
        length -= piece;
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(data), "+c"(piece) : : "memory");
    }
}

int SSL_read(void *ssl, void *buffer, int size) {
    if (!control->bytes)
        return next_read(ssl, buffer, size);
    int moved = next_read(ssl, buffer, size);
    if (moved > 0)
        copy(buffer, moved);
    return moved;
}

int SSL_write(void *ssl, const void *buffer, int size) {
    if (!control->bytes)
        return next_write(ssl, buffer, size);
    int moved = next_write(ssl, buffer, size);
    if (moved > 0)
        copy(buffer, moved);
    return moved;
}

int SSL_read_ex(void *ssl, void *buffer, size_t size, size_t *moved) {
    int done = next_read_ex(ssl, buffer, size, moved);
    if (done > 0 && control->bytes)
        copy(buffer, *moved);
    return done;
}

int SSL_write_ex(void *ssl, const void *buffer, size_t size, size_t *moved) {
    int done = next_write_ex(ssl, buffer, size, moved);
    if (done > 0 && control->bytes)
        copy(buffer, *moved);
    return done;
}
