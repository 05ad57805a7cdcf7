/* What a program has where it declares a struct bpf_dynptr. Runs in the target, anywhere (see runtime.h). */
#ifndef GRAFT_DYNPTR_H
#define GRAFT_DYNPTR_H

#include "runtime.h"

INLINE uint32_t graft_dynptr_length(const struct graft_dynptr *dynptr) { return dynptr->length & GRAFT_DYNPTR_LENGTH; }

/* One without data is null: reading it fails, and so does all else. */
INLINE void graft_dynptr_set(struct graft_dynptr *dynptr, void *data, uint32_t size)
{
    dynptr->data = (uint64_t)data;
    dynptr->length = size;
    dynptr->offset = 0;
}

INLINE long graft_dynptr_set_null(struct graft_dynptr *dynptr, long result)
{
    graft_dynptr_set(dynptr, 0, 0);
    return result;
}

#endif
