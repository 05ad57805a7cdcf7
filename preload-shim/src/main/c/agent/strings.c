/*
 * The kernel's functions for strings (kernel/bpf/helpers.c), on whatever memory the process has. Runs in the target, anywhere
 * (see runtime.h). Takes no lock. A string is read in pieces that lie in one page each, so it may end right before one that is
 * not there.
 */
#include "runtime.h"

enum { ERANGE = 34, LONGEST = 65536, WINDOW = 128, PAGE = 4096 };

#define ADDRESSES_END ((1ull << 47) - PAGE)
#define NO_WINDOW 1 /* none begins there */

struct string {
    uint64_t start;
    uint64_t window;
    uint8_t bytes[WINDOW];
};

/* Where no string can be; the kernel refuses what is not its own, this what is not the process's. */
static int begin(struct string *string, uint64_t start)
{
    string->start = start;
    string->window = NO_WINDOW;
    return start >= PAGE && start < ADDRESSES_END;
}

/* One byte, or -EFAULT. */
static int byte_at(struct string *string, uint64_t offset)
{
    uint64_t address = string->start + offset, window = address & ~(uint64_t)(WINDOW - 1);
    if (string->window != window) {
        if (!graft_read(string->bytes, WINDOW, window))
            return -EFAULT;
        string->window = window;
    }
    return string->bytes[address - window];
}

/* Of the kernel's own table, which is Latin-1. */
static int lower(int c)
{
    int upper = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
    return upper ? c + ('a' - 'A') : c;
}

enum letters { AS_THEY_ARE, LIKE_SMALL_ONES };

static int compare(uint64_t left, uint64_t right, enum letters letters)
{
    struct string one, other;
    if (!begin(&one, left) || !begin(&other, right))
        return -ERANGE;
    for (uint64_t i = 0; i < LONGEST; i++) {
        int a = byte_at(&one, i), b = a < 0 ? a : byte_at(&other, i);
        if (b < 0)
            return -EFAULT;
        if (letters == LIKE_SMALL_ONES) {
            a = lower(a);
            b = lower(b);
        }
        if (a != b)
            return a < b ? -1 : 1;
        if (!a)
            return 0;
    }
    return -E2BIG;
}

EXPORT int graft_helper_strcmp(uint64_t left, uint64_t right) { return compare(left, right, AS_THEY_ARE); }
EXPORT int graft_helper_strcasecmp(uint64_t left, uint64_t right) { return compare(left, right, LIKE_SMALL_ONES); }

static int place_of(uint64_t start, uint64_t count, uint8_t wanted)
{
    struct string string;
    if (!begin(&string, start))
        return -ERANGE;
    for (uint64_t i = 0; i < count; i++) {
        if (i == LONGEST)
            return -E2BIG;
        int byte = byte_at(&string, i);
        if (byte < 0 || byte == wanted)
            return byte < 0 ? byte : (int)i;
        if (!byte)
            return -ENOENT;
    }
    return count == LONGEST ? -E2BIG : -ENOENT;
}

EXPORT int graft_helper_strnchr(uint64_t start, uint64_t count, uint8_t wanted) { return place_of(start, count, wanted); }
EXPORT int graft_helper_strchr(uint64_t start, uint8_t wanted) { return place_of(start, LONGEST, wanted); }

EXPORT int graft_helper_strchrnul(uint64_t start, uint8_t wanted)
{
    struct string string;
    if (!begin(&string, start))
        return -ERANGE;
    for (uint64_t i = 0; i < LONGEST; i++) {
        int byte = byte_at(&string, i);
        if (byte <= 0 || byte == wanted)
            return byte < 0 ? byte : (int)i;
    }
    return -E2BIG;
}

EXPORT int graft_helper_strrchr(uint64_t start, int wanted)
{
    struct string string;
    int last = -ENOENT;
    if (!begin(&string, start))
        return -ERANGE;
    for (uint64_t i = 0; i < LONGEST; i++) {
        int byte = byte_at(&string, i);
        if (byte < 0)
            return byte;
        last = byte == wanted ? (int)i : last;
        if (!byte)
            return last;
    }
    return -E2BIG;
}

static int length(uint64_t start, uint64_t count)
{
    struct string string;
    if (!begin(&string, start))
        return -ERANGE;
    for (uint64_t i = 0; i < count && i < LONGEST; i++) {
        int byte = byte_at(&string, i);
        if (byte <= 0)
            return byte < 0 ? byte : (int)i;
    }
    return count >= LONGEST ? -E2BIG : (int)count;
}

EXPORT int graft_helper_strnlen(uint64_t start, uint64_t count) { return length(start, count); }
EXPORT int graft_helper_strlen(uint64_t start) { return length(start, LONGEST); }

/* 1 when the byte is one of the set's, 0 when it is not, or an error. */
static int is_in(struct string *set, int byte)
{
    for (uint64_t i = 0; i < LONGEST; i++) {
        int one = byte_at(set, i);
        if (one <= 0 || one == byte)
            return one < 0 ? one : one > 0;
    }
    return -E2BIG;
}

/* How many bytes at the beginning are in the set, or are not. */
static int span(uint64_t start, uint64_t set, int in)
{
    struct string string, bytes;
    if (!begin(&string, start) || !begin(&bytes, set))
        return -ERANGE;
    for (uint64_t i = 0; i < LONGEST; i++) {
        int byte = byte_at(&string, i);
        if (byte <= 0)
            return byte < 0 ? byte : (int)i;
        int found = is_in(&bytes, byte);
        if (found < 0 || found != in)
            return found < 0 ? found : (int)i;
    }
    return -E2BIG;
}

EXPORT int graft_helper_strspn(uint64_t start, uint64_t accepted) { return span(start, accepted, 1); }
EXPORT int graft_helper_strcspn(uint64_t start, uint64_t rejected) { return span(start, rejected, 0); }

enum { DIFFERS = 1 };

/* Whether it begins at an offset: 0, DIFFERS, or an error, -ENOENT when the string or its part ends first. */
static int begins_at(struct string *string, uint64_t offset, struct string *wanted, uint64_t length)
{
    uint64_t j = 0;
    for (; offset + j <= length && j < LONGEST; j++) {
        int b = byte_at(wanted, j);
        if (b <= 0)
            return b;
        if (offset + j == length)
            return -ENOENT;
        int a = byte_at(string, offset + j);
        if (a < 0)
            return a;
        if (!a)
            return -ENOENT;
        if (a != b)
            return DIFFERS;
    }
    return j == LONGEST ? -E2BIG : DIFFERS;
}

static int place_of_part(uint64_t start, uint64_t wanted, uint64_t length)
{
    struct string string, part;
    if (!begin(&string, start) || !begin(&part, wanted))
        return -ERANGE;
    for (uint64_t i = 0; i < LONGEST; i++) {
        int result = begins_at(&string, i, &part, length);
        if (result != DIFFERS)
            return result ? result : (int)i;
    }
    return -E2BIG;
}

EXPORT int graft_helper_strnstr(uint64_t start, uint64_t wanted, uint64_t length) { return place_of_part(start, wanted, length); }
EXPORT int graft_helper_strstr(uint64_t start, uint64_t wanted) { return place_of_part(start, wanted, LONGEST); }
