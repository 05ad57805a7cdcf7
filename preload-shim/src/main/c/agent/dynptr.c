/*
 * Dynptrs and the iterator over numbers: objects on the program's stack, which the verifier lets nobody else write. Runs in the
 * target, anywhere (see runtime.h). Results are those of kernel/bpf/helpers.c. Takes no lock but the ring buffer's.
 */
#include "dynptr.h"

enum { LARGEST = GRAFT_DYNPTR_LENGTH, MAX_LOOPS = 8 << 20, ERANGE = 34 };

/* The bytes at an offset, or 0 when there are not so many. */
INLINE char *bytes_at(const struct graft_dynptr *dynptr, uint32_t offset, uint32_t length)
{
    uint32_t size = graft_dynptr_length(dynptr);
    if (length > size || offset > size - length)
        return 0;
    return (char *)(dynptr->data + dynptr->offset + offset);
}

INLINE int is_read_only(const struct graft_dynptr *dynptr) { return (dynptr->length & GRAFT_DYNPTR_READ_ONLY) != 0; }

/* The two may overlap: a program may move a part of a value within it. */
static void move(char *to, const char *from, uint32_t size)
{
    if (to <= from || to >= from + size) {
        graft_copy(to, from, size);
        return;
    }
    for (uint32_t left = size; left; left--)
        *(volatile char *)(to + left - 1) = from[left - 1];
}

EXPORT long graft_helper_dynptr_from_mem(void *data, uint32_t size, uint64_t flags, struct graft_dynptr *dynptr)
{
    if (size > LARGEST)
        return graft_dynptr_set_null(dynptr, -E2BIG);
    if (flags)
        return graft_dynptr_set_null(dynptr, -EINVAL);
    graft_dynptr_set(dynptr, data, size);
    return 0;
}

EXPORT long graft_helper_ringbuf_reserve_dynptr(
    struct graft_map *map, uint32_t size, uint64_t flags, struct graft_dynptr *dynptr)
{
    if (flags)
        return graft_dynptr_set_null(dynptr, -EINVAL);
    if (size > LARGEST)
        return graft_dynptr_set_null(dynptr, -E2BIG);
    void *sample = graft_ring_reserve(map, size);
    if (!sample)
        return graft_dynptr_set_null(dynptr, -EINVAL);
    graft_dynptr_set(dynptr, sample, size);
    return 0;
}

/* The record begins where the dynptr did, wherever that begins now. */
static void finish(struct graft_dynptr *dynptr, uint64_t flags, uint32_t mark)
{
    if (!dynptr->data)
        return;
    graft_ring_finish((void *)dynptr->data, flags, mark);
    graft_dynptr_set_null(dynptr, 0);
}

EXPORT void graft_helper_ringbuf_submit_dynptr(struct graft_dynptr *dynptr, uint64_t flags) { finish(dynptr, flags, 0); }

EXPORT void graft_helper_ringbuf_discard_dynptr(struct graft_dynptr *dynptr, uint64_t flags)
{
    finish(dynptr, flags, GRAFT_RECORD_DISCARD);
}

EXPORT long graft_helper_dynptr_read(
    void *to, uint32_t size, const struct graft_dynptr *dynptr, uint32_t offset, uint64_t flags)
{
    if (!dynptr->data || flags)
        return -EINVAL;
    const char *from = bytes_at(dynptr, offset, size);
    if (!from)
        return -E2BIG;
    move(to, from, size);
    return 0;
}

EXPORT long graft_helper_dynptr_write(
    const struct graft_dynptr *dynptr, uint32_t offset, const void *from, uint32_t size, uint64_t flags)
{
    if (!dynptr->data || is_read_only(dynptr))
        return -EINVAL;
    char *to = bytes_at(dynptr, offset, size);
    if (!to)
        return -E2BIG;
    if (flags)
        return -EINVAL;
    move(to, from, size);
    return 0;
}

INLINE void *writable(const struct graft_dynptr *dynptr, uint32_t offset, uint32_t size)
{
    return dynptr->data && !is_read_only(dynptr) ? bytes_at(dynptr, offset, size) : 0;
}

EXPORT void *graft_helper_dynptr_data(const struct graft_dynptr *dynptr, uint32_t offset, uint32_t size)
{
    return writable(dynptr, offset, size);
}

/* The buffer is for memory that is not in one piece. */
EXPORT void *graft_helper_dynptr_slice(const struct graft_dynptr *dynptr, uint32_t offset, void *buffer, uint32_t size)
{
    (void)buffer;
    return dynptr->data ? bytes_at(dynptr, offset, size) : 0;
}

EXPORT void *graft_helper_dynptr_slice_rdwr(
    const struct graft_dynptr *dynptr, uint32_t offset, void *buffer, uint32_t size)
{
    (void)buffer;
    return writable(dynptr, offset, size);
}

EXPORT long graft_helper_dynptr_adjust(struct graft_dynptr *dynptr, uint32_t start, uint32_t end)
{
    if (!dynptr->data || start > end)
        return -EINVAL;
    if (end > graft_dynptr_length(dynptr))
        return -ERANGE;
    dynptr->offset += start;
    dynptr->length = (dynptr->length & ~(uint32_t)GRAFT_DYNPTR_LENGTH) | (end - start);
    return 0;
}

EXPORT long graft_helper_dynptr_is_null(const struct graft_dynptr *dynptr) { return !dynptr->data; }

EXPORT long graft_helper_dynptr_is_rdonly(const struct graft_dynptr *dynptr)
{
    return dynptr->data && is_read_only(dynptr);
}

EXPORT uint64_t graft_helper_dynptr_size(const struct graft_dynptr *dynptr)
{
    return dynptr->data ? graft_dynptr_length(dynptr) : (uint32_t)-EINVAL;
}

EXPORT long graft_helper_dynptr_clone(const struct graft_dynptr *dynptr, struct graft_dynptr *clone)
{
    if (!dynptr->data)
        return graft_dynptr_set_null(clone, -EINVAL);
    *clone = *dynptr;
    return 0;
}

static long set_numbers(struct graft_numbers *numbers, uint32_t next, int32_t end, long result)
{
    numbers->before = next - 1;
    numbers->end = end;
    return result;
}

EXPORT long graft_helper_iter_num_new(struct graft_numbers *numbers, int32_t start, int32_t end)
{
    if (start > end)
        return set_numbers(numbers, 1, 0, -EINVAL);
    if ((int64_t)end - start > MAX_LOOPS)
        return set_numbers(numbers, 1, 0, -E2BIG);
    return set_numbers(numbers, (uint32_t)start, end, 0);
}

/* The number itself, as it stands in the iterator; 0 behind the last one. */
EXPORT void *graft_helper_iter_num_next(struct graft_numbers *numbers)
{
    if ((int32_t)(numbers->before + 1) >= numbers->end) {
        set_numbers(numbers, 1, 0, 0);
        return 0;
    }
    numbers->before++;
    return &numbers->before;
}

EXPORT void graft_helper_iter_num_destroy(struct graft_numbers *numbers) { set_numbers(numbers, 1, 0, 0); }
