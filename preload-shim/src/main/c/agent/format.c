/*
 * Text by a format: bpf_snprintf, bpf_trace_printk and bpf_trace_vprintk. Formats, errors and text are the kernel's
 * (bpf_bprintf_prepare and bstr_printf), and so is the room that all arguments together have there. Runs in the target, anywhere
 * (see runtime.h). A format is walked twice, because nothing is written for one that is wrong; other threads may change a format
 * that is in a map meanwhile, so nothing is read behind the end that it began with.
 */
#include "runtime.h"

enum { MAX_ARGUMENTS = 12, PRINTED = 1024, ROOM_OF_ARGUMENTS = 512, NO_BREAK_SPACE = 0xa0, WIDEST = (1 << 23) - 1, PIECE = 56, LONGEST_NUMBER = 20 };
enum { LEFT = 1, PLUS = 2, SPACE = 4, ZEROS = 8, SIGNED = 16 };

/* What comes out; nothing is stored behind `room`, or anywhere when `to` is 0. */
struct text {
    char *to;
    uint64_t room;
    uint64_t length;
};

struct format {
    const char *text;
    uint64_t length;
};

/*
 * One conversion: its kind is c, s, x, X, d, u, p (an address), S (of code); or of those that the kernel makes texts of before it
 * begins, which then have no width: B, t (%pks, %pus), i, I, j and J (%pi4, %pI4, %pi6 and %pI6).
 */
struct conversion {
    uint64_t end;   /* where the format goes on */
    int32_t width;  /* -1: none */
    uint8_t flags;
    uint8_t bytes;  /* that the kernel keeps of a number */
    char kind;
};

/* The arguments, and what the kernel's copies of those so far take. */
struct arguments {
    const uint64_t *values;
    uint32_t count, next;
    uint64_t used;
};

/* Of Latin-1, as in lib/ctype.c. */
INLINE int is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
INLINE int is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == NO_BREAK_SPACE; }
INLINE int is_letter(uint8_t c) { return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= 0xc0 && c != 0xd7 && c != 0xf7); }
INLINE int is_printable(uint8_t c) { return c >= ' ' && c <= '~'; }
INLINE int is_sign(uint8_t c) { return (is_printable(c) || c > NO_BREAK_SPACE) && !is_letter(c) && !is_digit(c); }
INLINE int ends_word(uint8_t c) { return !c || is_space(c) || is_sign(c); }

INLINE uint8_t at(const struct format *format, uint64_t i) { return i < format->length ? (uint8_t)format->text[i] : 0; }

static void put(struct text *out, char c)
{
    if (out->to && out->length < out->room)
        out->to[out->length] = c;
    out->length++;
}

/* A width may be eight millions: nothing is done for what is not stored. */
static void put_many(struct text *out, char c, int64_t times)
{
    if (times <= 0)
        return;
    uint64_t end = out->length + (uint64_t)times;
    while (out->to && out->length < out->room && out->length < end)
        put(out, c);
    out->length = end;
}

static void put_padded(struct text *out, const char *text, uint64_t length, const struct conversion *as)
{
    int64_t spaces = (int64_t)as->width - (int64_t)length;
    if (!(as->flags & LEFT))
        put_many(out, ' ', spaces);
    for (uint64_t i = 0; i < length; i++)
        put(out, text[i]);
    if (as->flags & LEFT)
        put_many(out, ' ', spaces);
}

/* In reverse; how many digits. */
static int digits(char *to, uint64_t number, const struct conversion *as)
{
    uint64_t base = as->kind == 'd' || as->kind == 'u' ? 10 : 16;
    char ten = as->kind == 'X' ? 'A' : 'a';
    int length = 0;
    do {
        char digit = (char)(number % base);
        to[length++] = (char)(digit < 10 ? '0' + digit : ten + digit - 10);
        number /= base;
    } while (number);
    return length;
}

static void put_number(struct text *out, uint64_t number, const struct conversion *as)
{
    char reversed[LONGEST_NUMBER];
    char sign = 0;
    if (as->flags & SIGNED && (int64_t)number < 0) {
        sign = '-';
        number = -number;
    } else if (as->flags & SIGNED) {
        sign = as->flags & PLUS ? '+' : as->flags & SPACE ? ' ' : 0;
    }
    int length = digits(reversed, number, as);
    int64_t padding = (int64_t)as->width - length - (sign != 0);
    int zeros = (as->flags & (ZEROS | LEFT)) == ZEROS;
    if (!zeros && !(as->flags & LEFT))
        put_many(out, ' ', padding);
    if (sign)
        put(out, sign);
    if (zeros)
        put_many(out, '0', padding);
    while (length)
        put(out, reversed[--length]);
    if (as->flags & LEFT)
        put_many(out, ' ', padding);
}

static void put_plain(struct text *out, uint64_t number, char kind, int32_t width, uint8_t flags)
{
    const struct conversion as = {.kind = kind, .width = width, .flags = flags};
    put_number(out, number, &as);
}

/* The kernel's names are not known here, so this is what it says of what has none. */
static void put_code(struct text *out, uint64_t address, const struct conversion *as)
{
    char text[LONGEST_NUMBER];
    struct text name = {text, sizeof(text), 0};
    put(&name, '0');
    put(&name, 'x');
    put_plain(&name, address, 'x', -1, 0);
    put_padded(out, text, name.length, as);
}

/* What cannot be read is all zeros. */
static void put_network(struct text *out, uint64_t from, char kind)
{
    uint8_t bytes[16];
    int four = kind == 'i' || kind == 'I';
    int size = four ? 4 : 16;
    if (!graft_read(bytes, (uint64_t)size, from))
        graft_zero(bytes, sizeof(bytes));
    for (int i = 0; i < size; i++) {
        if (four && i)
            put(out, '.');
        else if (kind == 'J' && i && i % 2 == 0)
            put(out, ':');
        if (four)
            put_plain(out, bytes[i], 'u', kind == 'i' ? 3 : -1, ZEROS);
        else
            put_plain(out, bytes[i], 'x', 2, ZEROS);
    }
}

/*
 * A string of at most `room` bytes with its zero, which becomes the text `out` when there is one. What is returned is its length
 * without the zero; -EFAULT for one that cannot be read, which then has partly come out.
 */
static long read_text(struct text *out, uint64_t from, uint64_t room)
{
    char piece[PIECE];
    uint64_t done = 0;
    while (done + 1 < room) {
        uint64_t size = room - 1 - done, page = 4096 - ((from + done) & 4095);
        size = size < PIECE ? size : PIECE;
        size = size < page ? size : page;
        if (!graft_read(piece, size, from + done))
            return -EFAULT;
        for (uint64_t i = 0; i < size; i++, done++) {
            if (!piece[i])
                return (long)done;
            if (out)
                put(out, piece[i]);
        }
    }
    return (long)done;
}

static void put_string(struct text *out, uint64_t from, uint64_t room, const struct conversion *as)
{
    long length = read_text(0, from, room);
    length = length < 0 ? 0 : length;
    if (!(as->flags & LEFT))
        put_many(out, ' ', (int64_t)as->width - length);
    if (length)
        read_text(out, from, (uint64_t)length + 1);
    if (as->flags & LEFT)
        put_many(out, ' ', (int64_t)as->width - length);
}

/* %p and what may follow; 0 or -EINVAL. */
static int parse_pointer(const struct format *format, uint64_t i, struct conversion *to)
{
    uint8_t first = at(format, i + 1), second = at(format, i + 2);
    to->bytes = 8;
    to->end = i + 1;
    if (ends_word(first)) {
        to->kind = 'p';
    } else if ((first == 'k' || first == 'u') && second == 's') {
        to->kind = 't';
        return ends_word(at(format, i + 3)) ? 0 : -EINVAL;
    } else if (first == 'K' || first == 'x') {
        to->kind = 'p';
    } else if (first == 's' || first == 'S') {
        to->kind = 'S';
    } else if (first == 'B') {
        to->kind = 'B';
    } else if ((first == 'i' || first == 'I') && (second == '4' || second == '6')) {
        to->kind = (char)(first + (second == '6'));
    } else {
        return -EINVAL;
    }
    return 0;
}

static int parse_number(const struct format *format, uint64_t i, struct conversion *to)
{
    to->bytes = 4;
    for (int longs = 0; longs < 2 && at(format, i) == 'l'; longs++, i++)
        to->bytes = 8;
    to->end = i + 1;
    switch (at(format, i)) {
    case 'i': case 'd':
        to->kind = 'd';
        to->flags |= SIGNED;
        return 0;
    case 'u': case 'x': case 'X':
        to->kind = (char)at(format, i);
        return 0;
    default:
        return -EINVAL;
    }
}

/* The conversion whose % is at `i`. */
static int parse(const struct format *format, uint64_t i, struct conversion *to)
{
    to->flags = 0;
    to->width = -1;
    for (i++;; i++) {
        uint8_t flag = at(format, i);
        if (flag != '0' && flag != '+' && flag != '-' && flag != ' ')
            break;
        to->flags |= flag == '0' ? ZEROS : flag == '+' ? PLUS : flag == '-' ? LEFT : SPACE;
    }
    uint32_t width = 0;
    for (uint64_t first = i; is_digit(at(format, i)); i++) {
        width = (i == first ? 0 : width * 10) + (uint32_t)(at(format, i) - '0');
        to->width = (int32_t)width < WIDEST ? (int32_t)width : WIDEST;
    }
    uint8_t kind = at(format, i);
    to->kind = (char)kind;
    to->bytes = 1;
    to->end = i + 1;
    if (kind == 'p')
        return parse_pointer(format, i, to);
    if (kind == 's')
        return ends_word(at(format, i + 1)) ? 0 : -EINVAL;
    return kind == 'c' ? 0 : parse_number(format, i, to);
}

/* What was made a text already the kernel leaves out where it would begin behind the end. */
static void put_prepared(struct text *out, uint64_t value, uint64_t room, char kind)
{
    const struct conversion plain = {.width = -1};
    if (out->length >= out->room)
        return;
    if (kind == 't')
        put_string(out, value, room, &plain);
    else if (kind == 'B')
        put_code(out, value, &plain);
    else
        put_network(out, value, kind);
}

static void put_argument(struct text *out, uint64_t value, uint64_t room, struct conversion *as)
{
    char byte = (char)value;
    switch (as->kind) {
    case 's': put_string(out, value, room, as); break;
    case 'c': put_padded(out, &byte, 1, as); break;
    case 'S': put_code(out, value, as); break;
    case 'p':
        if (as->width == -1) {
            as->width = 16;
            as->flags |= ZEROS;
        }
        put_number(out, value, as);
        break;
    case 'd': put_number(out, as->bytes == 8 ? value : (uint64_t)(int32_t)value, as); break;
    case 'u': case 'x': case 'X': put_number(out, as->bytes == 8 ? value : (uint32_t)value, as); break;
    default: put_prepared(out, value, room, as->kind);
    }
}

/* How much of the arguments' room one takes; -ENOSPC when it is not there. */
static long taken(struct arguments *all, uint64_t value, const struct conversion *as)
{
    uint64_t left = ROOM_OF_ARGUMENTS - all->used;
    struct text counted = {0, ~0ull, 0};
    long length;
    switch (as->kind) {
    case 's': case 't':
        if (!left)
            return -ENOSPC;
        length = read_text(0, value, left);
        return length < 0 ? 1 : length + 1;
    case 'i': case 'I': case 'j': case 'J':
        if (left < (as->kind == 'i' || as->kind == 'I' ? 4u : 16u))
            return -ENOSPC;
        __attribute__((fallthrough));
    case 'B':
        put_prepared(&counted, value, left, as->kind);
        return (long)(counted.length < left ? counted.length + 1 : left);
    case 'c': return left ? 1 : -ENOSPC;
    default: {
        uint64_t pad = -all->used & 3;
        return left < pad + as->bytes ? -ENOSPC : (long)(pad + as->bytes);
    }
    }
}

/* Walks the format; only looks whether it and the arguments are right when there is no `out`. */
static long walk(const struct format *format, struct arguments arguments, struct text *out)
{
    for (uint64_t i = 0; i < format->length;) {
        struct conversion as;
        uint8_t c = at(format, i);
        if (c < 0x80 && !is_printable(c) && !is_space(c))
            return -EINVAL;
        if (c != '%' || at(format, i + 1) == '%') {
            if (out)
                put(out, (char)c);
            i += c == '%' ? 2 : 1;
            continue;
        }
        if (arguments.next >= arguments.count || parse(format, i, &as))
            return -EINVAL;
        int pointer = at(format, as.end - 1) == 'p';
        uint64_t value = arguments.values[arguments.next++], left = ROOM_OF_ARGUMENTS - arguments.used;
        long took = taken(&arguments, value, &as);
        if (took < 0)
            return took;
        arguments.used += (uint64_t)took;
        if (out)
            put_argument(out, value, left, &as);
        i = as.end;
        while (pointer && (is_letter(at(format, i)) || is_digit(at(format, i))))
            i++; /* the kernel passes over all that could be meant for the pointer */
    }
    return 0;
}

/* The length that the text has, or would have with more room, without its zero. */
static long format_text(struct text *out, const struct format *format, const uint64_t *values, uint32_t count)
{
    const struct arguments arguments = {.values = values, .count = count};
    long wrong = walk(format, arguments, 0);
    if (wrong)
        return wrong;
    wrong = walk(format, arguments, out);
    if (out->to && out->room)
        out->to[out->length < out->room ? out->length : out->room - 1] = 0;
    return wrong ? wrong : (int32_t)out->length;
}

static uint64_t length_of(const char *text, uint64_t room)
{
    uint64_t length = 0;
    while (length < room && text[length])
        length++;
    return length;
}

EXPORT long graft_helper_snprintf(char *to, uint32_t size, const char *text, const uint64_t *values, uint32_t bytes)
{
    if (bytes % 8 || bytes > MAX_ARGUMENTS * 8 || (bytes && !values))
        return -EINVAL;
    const struct format format = {text, length_of(text, ~0ull)};
    struct text out = {to, size, 0};
    long length = format_text(&out, &format, values, bytes / 8);
    return length < 0 ? length : length + 1;
}

/*
 * A line for the session's ring, where the kernel has one for its trace pipe. Strings may change between the walk that counted
 * `length` and this one, so nothing is stored behind that.
 */
static void write_line(const struct format *format, const struct arguments *arguments, uint64_t length)
{
    uint32_t number = graft_config()->print_ring;
    uint64_t room = length < PRINTED ? length : PRINTED - 1;
    struct graft_print *line = number ? graft_ring_reserve(graft_descriptors() + number - 1, sizeof(*line) + room) : 0;
    if (!line)
        return; /* the ring has counted it */
    struct text out = {(char *)(line + 1), room, 0};
    uint64_t ids = graft_current_ids();
    line->nanos = graft_kernel_nanos();
    line->pid = (uint32_t)ids;
    line->tgid = (uint32_t)(ids >> 32);
    line->cpu = graft_cpu();
    graft_name_thread((char *)line->comm);
    walk(format, *arguments, &out);
    line->length = (uint32_t)(out.length < room ? out.length : room);
    graft_ring_finish(line, 0, 0);
}

/* What the kernel would have written is the result. */
static long print(const char *text, uint32_t size, const uint64_t *values, uint32_t count)
{
    const struct format format = {text, length_of(text, size)};
    const struct arguments arguments = {.values = values, .count = count};
    struct text counted = {0, 0, 0};
    if (format.length == size)
        return -EINVAL;
    long wrong = walk(&format, arguments, 0);
    if (!wrong)
        wrong = walk(&format, arguments, &counted);
    if (wrong)
        return wrong;
    write_line(&format, &arguments, counted.length);
    return (int32_t)counted.length;
}

EXPORT long graft_helper_trace_printk(const char *text, uint32_t size, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t values[3] = {a, b, c};
    return print(text, size, values, 3);
}

EXPORT long graft_helper_trace_vprintk(const char *text, uint32_t size, const uint64_t *values, uint32_t bytes)
{
    if (bytes % 8 || bytes > MAX_ARGUMENTS * 8 || (bytes && !values))
        return -EINVAL;
    return print(text, size, values, bytes / 8);
}
