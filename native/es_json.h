/* JSON's own grammar, for es_scan.c, which is compiled once for each kind of vectors, and es_own.c: strings, numbers,
 * values to skip, objects to walk, and the index of a line's strings. Strictness is orjson's, but for bytes from 0x80 up, which are not looked at. */
#ifndef ES_JSON_H
#define ES_JSON_H

#include <stdio.h>

#include "es_scan.h"

#define MAX_DEPTH 1024 /* orjson's own limit */

typedef const uint8_t *ptr;

/* Where the scan stands in the index of strings. Finding the end of each string only when the walk gets there makes one
 * long chain of loads, compares and jumps; an index made ahead, 64 bytes at a time, takes a third less in all. */
typedef struct {
    ptr base;
    const uint32_t *end; /* offsets of the strings' closing quotes from here on; NULL: search as you go */
} scan;

/* A newline is never white space here: it ends the line. */
static inline ptr ws(ptr p)
{
    if (__builtin_expect(*p > ' ', 1))
        return p;
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

/* p is behind the opening quote; gives the closing one, or NULL. With an index, escaped only says that there may be
 * escapes; they have been checked. */
static inline ptr string(scan *s, ptr p, uint8_t *escaped)
{
    if (s->end) {
        *escaped = 1;
        return s->base + *s->end++;
    }
    *escaped = 0;
    for (;;) {
        p = es_plain(p);
        if (*p == '"')
            return p;
        if (*p != '\\')
            return NULL;
        *escaped = 1;
        switch (p[1]) {
        case '/': case '"': case '\\': case 'n': case 't': case 'r': case 'b': case 'f':
            p += 2;
            break;
        case 'u': {
            unsigned high, low;
            if (!es_hex4(p + 2, &high) || (high >= 0xdc00 && high < 0xe000))
                return NULL;
            p += 6;
            if (high >= 0xd800 && high < 0xdc00) {
                if (p[0] != '\\' || p[1] != 'u' || !es_hex4(p + 2, &low) || low < 0xdc00 || low >= 0xe000)
                    return NULL;
                p += 6;
            }
            break;
        }
        default:
            return NULL;
        }
    }
}

/* A number too large for a double is no JSON for orjson. digits: where the first nonzero digit is, counted from the
 * point; exponents are cut at a billion, which keeps the sum far from overflow. */
static int representable(ptr p, ptr end)
{
    long exponent = 0, leading = 0, seen = 0, sign = 1;
    char text[48];
    size_t n = 0;
    int point = 0;
    for (; p < end && (*p | 32) != 'e'; p++) {
        if (*p == '.')
            point = 1;
        else if (es_digit(*p)) {
            if (*p != '0' || seen) {
                if (!seen)
                    leading = point ? leading - 1 : 0;
                else if (!point)
                    leading++;
                seen = 1;
                if (n < 40)
                    text[n++] = (char)*p;
            } else if (point)
                leading--;
        }
    }
    if (p < end) {
        p++;
        if (*p == '-' || *p == '+')
            sign = *p++ == '-' ? -1 : 1;
        for (; p < end; p++)
            exponent = exponent < 1000000000 ? exponent * 10 + (*p - '0') : exponent;
    }
    leading += sign * exponent;
    if (!seen || leading < 308)
        return 1;
    if (leading > 308)
        return 0;
    /* Between 1e308 and 1e309: 40 digits decide it, written without a point, which a locale could change. */
    snprintf(text + n, sizeof text - n, "e%ld", 308 - (long)(n - 1));
    return strtod(text, NULL) <= 1.7976931348623157e308;
}

/* p is at a digit or a minus. Gives the end, or NULL; out gets an integer that fits 64 bits, else stays null. */
static inline ptr number(ptr p, es_int *out)
{
    uint8_t negative = *p == '-';
    p += negative;
    ptr digits = p;
    uint64_t v = 0;
    while (es_digit(*p))
        v = v * 10 + (uint64_t)(*p++ - '0');
    ptrdiff_t n = p - digits;
    if (n == 0 || (n > 1 && *digits == '0'))
        return NULL;
    int whole = 1;
    if (*p == '.') {
        whole = 0;
        if (!es_digit(*++p))
            return NULL;
        while (es_digit(*p))
            p++;
    }
    if ((*p | 32) == 'e') {
        whole = 0;
        p++;
        if (*p == '+' || *p == '-')
            p++;
        if (!es_digit(*p))
            return NULL;
        while (es_digit(*p))
            p++;
    }
    if (!(whole && n <= 308) && !representable(digits, p))
        return NULL;
    if (!out || !whole || n > 20)
        return p;
    if (n == 20) { /* 2^64 has 20 digits: anything up to 18446744073709551615 fits */
        if (memcmp(digits, "18446744073709551615", 20) > 0)
            return p;
    }
    if (negative) {
        if (v > (uint64_t)1 << 63 || n == 20)
            return p;
        negative = v != 0;
        v = 0 - v;
    }
    out->value = v;
    out->present = 1;
    out->negative = negative;
    return p;
}

static inline ptr literal(ptr p)
{
    /* Bytes behind a newline may be anything, so compare one by one up to it. */
    if (p[0] == 't' && p[1] == 'r' && p[2] == 'u' && p[3] == 'e')
        return p + 4;
    if (p[0] == 'n' && p[1] == 'u' && p[2] == 'l' && p[3] == 'l')
        return p + 4;
    if (p[0] == 'f' && p[1] == 'a' && p[2] == 'l' && p[3] == 's' && p[4] == 'e')
        return p + 5;
    return NULL;
}

/* Checks any value at p, of which depth containers are open around it; gives its end, or NULL. */
static ptr skip(scan *s, ptr p, int depth)
{
    uint64_t objects[MAX_DEPTH / 64]; /* one bit a level: is it an object */
    int level = depth;
    uint8_t escaped;
value:
    switch (*p) {
    case '"':
        p = string(s, p + 1, &escaped);
        if (!p)
            return NULL;
        p++;
        break;
    case '{':
    case '[':
        if (level >= MAX_DEPTH)
            return NULL;
        if (*p == '{') {
            objects[level >> 6] |= (uint64_t)1 << (level & 63);
            level++;
            p = ws(p + 1);
            if (*p == '}')
                goto close;
            goto key;
        }
        objects[level >> 6] &= ~((uint64_t)1 << (level & 63));
        level++;
        p = ws(p + 1);
        if (*p == ']')
            goto close;
        goto value;
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        p = number(p, NULL);
        if (!p)
            return NULL;
        break;
    default:
        p = literal(p);
        if (!p)
            return NULL;
    }
after:
    if (level == depth)
        return p;
    p = ws(p);
    if (objects[(level - 1) >> 6] >> ((level - 1) & 63) & 1) {
        if (*p == '}')
            goto close;
        if (*p != ',')
            return NULL;
        p = ws(p + 1);
        goto key;
    }
    if (*p == ']')
        goto close;
    if (*p != ',')
        return NULL;
    p = ws(p + 1);
    goto value;
close:
    p++;
    level--;
    goto after;
key:
    if (*p != '"')
        return NULL;
#ifdef ES_STEP
    /* What most of a line is: "name":"text" or "name":123 and a comma. Text and numbers come in no order one could
     * predict, so which of the two it is must not be a branch. */
    for (const uint32_t *ends = s->end; ends;) {
        ptr q = s->base + ends[0];
        uint8_t c = q[2], text = c == '"';
        uint32_t marks = ~es_digit_bits(q + 2);
        if ((q[1] != ':') | !(text | es_digit(c)) | !marks)
            break;
        ptr number_end = q + 2 + __builtin_ctz(marks), text_end = s->base + ends[1] + 1;
        ptr end = text ? text_end : number_end;
        if ((c == '0') & (end != q + 3))
            break;
        if (memcmp(end, ",\"", 2) == 0)
            p = end + 1;
        else if (end[0] == '}')
            p = end;
        else
            break;
        s->end = ends += 1 + text;
        if (*p == '}')
            goto close;
    }
#endif
    p = string(s, p + 1, &escaped);
    if (!p)
        return NULL;
    p = ws(p + 1);
    if (*p != ':')
        return NULL;
    p = ws(p + 1);
    goto value;
}

#ifdef ES_STEP
/* Bits of the 64 bytes at p, by the vector's own steps. */
#define BITS64(name)                                                                        \
    static inline uint64_t name##64(ptr p)                                                  \
    {                                                                                       \
        return (uint64_t)es_##name##_bits(p) | (uint64_t)es_##name##_bits(p + 32) << 32;    \
    }
BITS64(quote)
BITS64(backslash)
BITS64(slash)
BITS64(control)

static inline unsigned count64(uint64_t x)
{
#ifdef __POPCNT__
    return (unsigned)__builtin_popcountll(x);
#else
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    return (unsigned)(((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56);
#endif
}

/* The parity of the bits up to and with each: between the quotes of a string it is odd. */
static inline uint64_t parity64(uint64_t x)
{
    for (int shift = 1; shift < 64; shift *= 2)
        x ^= x << shift;
    return x;
}

/* Writes the offset of every string's closing quote, and says if it could: a line that is too long for the index, ends
 * inside a string, or has more to check in its strings (a control character, an escape other than of a slash, a quote
 * or a backslash) is searched as it is walked. */
static int index_strings(ptr line, size_t room, uint32_t *out)
{
    uint64_t carry = 0;  /* the first byte of the next 64 is escaped */
    uint64_t inside = 0; /* all ones: the next 64 begin inside a string */
    for (size_t at = 0; at < room && at < ES_INDEXED; at += 64) {
        ptr p = line + at;
        uint64_t quote = quote64(p), back = backslash64(p), control = control64(p), before = ~(uint64_t)0;
        if (control) {
            /* The newline, or something a string may not hold. */
            before = (control & (0 - control)) - 1;
            if (p[__builtin_ctzll(control)] != '\n')
                return 0;
            quote &= before;
        }
        if (back | carry) {
            uint64_t escaped = carry, left = back & ~carry;
            carry = 0;
            while (left) {
                unsigned i = (unsigned)__builtin_ctzll(left);
                left &= left - 1;
                if (i == 63)
                    carry = 1;
                else {
                    escaped |= (uint64_t)2 << i;
                    left &= ~((uint64_t)2 << i);
                }
            }
            if (escaped & ~(quote | back | slash64(p)) & before)
                return 0;
            quote &= ~escaped;
        }
        uint64_t odd = parity64(quote) ^ inside, close = quote & ~odd;
        inside = 0 - (odd >> 63);
        /* Eight at a time: how many there are cannot be predicted, that they are few can. What is written past the
         * last is written over. */
        uint32_t *next = out + count64(close);
        do {
            for (int i = 0; i < 8; i++) {
                out[i] = (uint32_t)at + (uint32_t)__builtin_ctzll(close | (uint64_t)1 << 63);
                close &= close - 1;
            }
            out += 8;
        } while (close);
        out = next;
        if (control) {
            out[0] = out[1] = 0; /* the walk looks a string ahead */
            return !inside;
        }
    }
    return 0;
}
#endif

/* A key, its escapes undone; a key longer than any of ours keeps its length and matches none. */
typedef struct {
    es_span span;
    ptr text;
    size_t len;
    uint8_t buf[6 * 32 + ES_PAD];
} key;

/* p is at a quote: reads key and colon, gives the value. */
static inline ptr read_key(scan *s, ptr p, key *k)
{
    if (*p != '"')
        return NULL;
    ptr start = p + 1;
    p = string(s, start, &k->span.escaped);
    if (!p)
        return NULL;
    k->span.ptr = k->text = start;
    k->span.len = (uint32_t)(p - start);
    k->len = k->span.len;
    if (!s->end && k->span.escaped && k->len <= 6 * 32) { /* none of our keys is longer, at six bytes a character */
        k->len = es_unescape(k->buf, k->span);
        k->text = k->buf;
    }
    p = ws(p + 1);
    if (*p != ':')
        return NULL;
    return ws(p + 1);
}

#define IS(k, word) ((k).len == sizeof(word) - 1 && memcmp((k).text, word, sizeof(word) - 1) == 0)

/* Walks an object: the body runs once a key with p at its value, and must move p behind it. */
#define EACH(p, depth, k, body)                       \
    do {                                              \
        if ((depth) >= MAX_DEPTH)                     \
            return NULL;                              \
        p = ws(p + 1);                                \
        if (*p == '}')                                \
            return p + 1;                             \
        for (;;) {                                    \
            p = read_key(s, p, &(k));                 \
            if (!p)                                   \
                return NULL;                          \
            body if (!p) return NULL;                 \
            p = ws(p);                                \
            if (*p == '}')                            \
                return p + 1;                         \
            if (*p != ',')                            \
                return NULL;                          \
            p = ws(p + 1);                            \
        }                                             \
    } while (0)

static inline ptr read_int(scan *s, ptr p, int depth, es_int *out)
{
    memset(out, 0, sizeof *out);
    return es_digit(*p) || *p == '-' ? number(p, out) : skip(s, p, depth);
}

static inline ptr read_span(scan *s, ptr p, int depth, es_span *out)
{
    out->ptr = NULL;
    if (*p != '"')
        return skip(s, p, depth);
    ptr end = string(s, p + 1, &out->escaped);
    if (!end)
        return NULL;
    out->ptr = p + 1;
    out->len = (uint32_t)(end - out->ptr);
    return end + 1;
}

#endif
