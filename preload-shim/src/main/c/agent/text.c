/* Texts of programs: numbers in them, and comparing them. Runs in the target, anywhere (see runtime.h). Takes no lock. */
#include "runtime.h"

enum { ERANGE = 34, NO_DIGIT = 99, NO_BREAK_SPACE = 0xa0 };

INLINE int is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == NO_BREAK_SPACE; }

static uint32_t digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    char small = c | 32;
    return small >= 'a' && small <= 'z' ? (uint32_t)(small - 'a') + 10 : NO_DIGIT;
}

/* The digits of a number in a base; how many, -ERANGE for one that is too large. */
static long parse_digits(const char *text, uint64_t size, uint32_t base, uint64_t *result)
{
    uint64_t number = 0, length = 0;
    int over = 0;
    for (; length < size; length++) {
        uint32_t digit = digit_of(text[length]);
        if (digit >= base)
            break;
        over |= number > (~0ull - digit) / base;
        number = number * base + digit;
    }
    *result = number;
    return over ? -ERANGE : (long)length;
}

#define BASE_MASK 31
#define LONGEST_TEXT 63 /* behind spaces and a sign */

/* How many bytes were a number, as in lib/kstrtox.c. */
static long parse_text(const char *text, uint64_t size, uint64_t flags, uint64_t *number, int *negative)
{
    uint32_t base = flags & BASE_MASK;
    if (!size || (base && base != 8 && base != 10 && base != 16) || flags & ~(uint64_t)BASE_MASK)
        return -EINVAL;
    uint64_t start = 0;
    while (start < size && is_space((uint8_t)text[start]))
        start++;
    *negative = start < size && text[start] == '-';
    start += (uint64_t)*negative;
    if (start == size)
        return -EINVAL;
    const char *rest = text + start;
    uint64_t left = size - start < LONGEST_TEXT ? size - start : LONGEST_TEXT;
    int zero = rest[0] == '0', x = zero && left > 1 && (rest[1] | 32) == 'x';
    if (!base)
        base = x && left > 2 && digit_of(rest[2]) < 16 ? 16 : zero ? 8 : 10;
    uint64_t skipped = base == 16 && x ? 2 : 0;
    long length = parse_digits(rest + skipped, left - skipped, base, number);
    if (length <= 0)
        return length ? length : -EINVAL;
    return (long)(start + skipped) + length;
}

EXPORT long graft_helper_strtol(const char *text, uint64_t size, uint64_t flags, int64_t *result)
{
    uint64_t number;
    int negative;
    *result = 0;
    long length = parse_text(text, size, flags, &number, &negative);
    if (length < 0)
        return length;
    int64_t value = (int64_t)(negative ? -number : number);
    if (negative ? value > 0 : value < 0)
        return -ERANGE;
    *result = value;
    return length;
}

EXPORT long graft_helper_strtoul(const char *text, uint64_t size, uint64_t flags, uint64_t *result)
{
    uint64_t number;
    int negative;
    *result = 0;
    long length = parse_text(text, size, flags, &number, &negative);
    if (length < 0 || negative)
        return length < 0 ? length : -EINVAL;
    *result = number;
    return length;
}

EXPORT long graft_helper_strncmp(const char *a, uint32_t size, const char *b)
{
    for (uint32_t i = 0; i < size; i++) {
        uint8_t x = (uint8_t)a[i], y = (uint8_t)b[i];
        if (x != y)
            return x < y ? -1 : 1;
        if (!x)
            break;
    }
    return 0;
}
