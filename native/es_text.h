/* Text the scanner found, and the vector loops over it. */
#ifndef ES_TEXT_H
#define ES_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that may be read after the end of any buffer the scanner is given. */
#define ES_PAD 64

/* The inside of a JSON string, still escaped; ptr NULL means null. */
typedef struct {
    const uint8_t *ptr;
    uint32_t len;
    uint8_t escaped;
} es_span;

/* The vectors: each es_*_bits() marks, in the 32 bytes at p, the bytes of a kind.
 * ES_NO_SIMD leaves the plain loops, which the tests hold the others against. */
#if defined(ES_NO_SIMD)
#elif defined(__AVX2__)
#include <immintrin.h>
#define ES_STEP 32
typedef __m256i es_vector;
#define ES_LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define ES_ALL(c) _mm256_set1_epi8(c)
#define ES_EQUAL(a, b) _mm256_cmpeq_epi8(a, b)
#define ES_MIN(a, b) _mm256_min_epu8(a, b)
#define ES_MINUS(a, b) _mm256_sub_epi8(a, b)
static inline uint32_t es_marks(es_vector v)
{
    return (uint32_t)_mm256_movemask_epi8(v);
}
#elif defined(__SSE2__)
#include <emmintrin.h>
#define ES_STEP 16
typedef __m128i es_vector;
#define ES_LOAD(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define ES_ALL(c) _mm_set1_epi8(c)
#define ES_EQUAL(a, b) _mm_cmpeq_epi8(a, b)
#define ES_MIN(a, b) _mm_min_epu8(a, b)
#define ES_MINUS(a, b) _mm_sub_epi8(a, b)
static inline uint32_t es_marks(es_vector v)
{
    return (uint32_t)_mm_movemask_epi8(v);
}
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#define ES_STEP 16
typedef uint8x16_t es_vector;
#define ES_LOAD(p) vld1q_u8(p)
#define ES_ALL(c) vdupq_n_u8((uint8_t)(c))
#define ES_EQUAL(a, b) vceqq_u8(a, b)
#define ES_MIN(a, b) vminq_u8(a, b)
#define ES_MINUS(a, b) vsubq_u8(a, b)
/* NEON has no movemask: weigh each lane by its bit and add the halves up. */
static inline uint32_t es_marks(es_vector v)
{
    const uint8x16_t weight = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bits = vandq_u8(v, weight);
    return vaddv_u8(vget_low_u8(bits)) | (uint32_t)vaddv_u8(vget_high_u8(bits)) << 8;
}
#endif

#ifdef ES_STEP
#define ES_BITS(name, test)                                        \
    static inline uint32_t es_##name##_bits(const uint8_t *p)      \
    {                                                              \
        es_vector x = ES_LOAD(p);                                  \
        uint32_t marks = es_marks(test);                           \
        if (ES_STEP == 16) {                                       \
            x = ES_LOAD(p + 16);                                   \
            marks |= es_marks(test) << 16;                         \
        }                                                          \
        return marks;                                              \
    }
ES_BITS(quote, ES_EQUAL(x, ES_ALL('"')))
ES_BITS(backslash, ES_EQUAL(x, ES_ALL('\\')))
ES_BITS(slash, ES_EQUAL(x, ES_ALL('/')))
ES_BITS(control, ES_EQUAL(ES_MIN(x, ES_ALL(0x1f)), x))
ES_BITS(digit, ES_EQUAL(ES_MIN(ES_MINUS(x, ES_ALL('0')), ES_ALL(9)), ES_MINUS(x, ES_ALL('0'))))
#endif

/* From p, the first byte that is a quote, a backslash or a control character. Every line ends in a newline, so the
 * search ends there at the latest. */
static inline const uint8_t *es_plain(const uint8_t *p)
{
#ifdef ES_STEP
    for (;; p += 32) {
        uint32_t marks = es_quote_bits(p) | es_backslash_bits(p) | es_control_bits(p);
        if (marks)
            return p + __builtin_ctz(marks);
    }
#else
    while (*p != '"' && *p != '\\' && *p >= 0x20)
        p++;
    return p;
#endif
}

/* Writes the text of a span that was scanned as valid to out, which has room for len + ES_PAD bytes; gives its length. */
size_t es_unescape(uint8_t *out, es_span s);

static inline int es_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

/* Four hexadecimal digits; stops at the first byte that is none. */
static inline int es_hex4(const uint8_t *p, unsigned *out)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = p[i], letter = (c | 32) - 'a';
        if (c - '0' < 10)
            v = v << 4 | (c - '0');
        else if (letter < 6)
            v = v << 4 | (letter + 10);
        else
            return 0;
    }
    *out = v;
    return 1;
}

static inline void *es_alloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p)
        abort();
    return p;
}

static inline void *es_realloc(void *old, size_t n)
{
    void *p = realloc(old, n ? n : 1);
    if (!p)
        abort();
    return p;
}

static inline void *es_zalloc(size_t n)
{
    void *p = calloc(n ? n : 1, 1); /* large ones stay untouched until used */
    if (!p)
        abort();
    return p;
}

#endif
