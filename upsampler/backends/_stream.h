/* Stores past the caches: plain ones first read the line that they overwrite. */
#ifndef UPSAMPLER_STREAM_H
#define UPSAMPLER_STREAM_H

#include "_native.h"

static inline void stream_copy(char *dst, const char *src, ptrdiff_t n)
{
    ptrdiff_t k = 0;
#if defined(__AVX2__)
    ptrdiff_t head = (ptrdiff_t)(-(uintptr_t)dst & 31u);
    if (head > n)
        head = n;
    memcpy(dst, src, (size_t)head);
    for (k = head; k + 32 <= n; k += 32)
        _mm256_stream_si256((__m256i *)(dst + k), _mm256_loadu_si256((const __m256i *)(src + k)));
#elif defined(UPSAMPLER_SSE2)
    ptrdiff_t head = (ptrdiff_t)(-(uintptr_t)dst & 15u);
    if (head > n)
        head = n;
    memcpy(dst, src, (size_t)head);
    for (k = head; k + 16 <= n; k += 16)
        _mm_stream_si128((__m128i *)(dst + k), _mm_loadu_si128((const __m128i *)(src + k)));
#endif
    memcpy(dst + k, src + k, (size_t)(n - k));
}

/* Rows that follow each other in memory share a line where they do not end with one.  What is known
 * of it is kept until the next row comes: a line that is stored plainly in part, beside streamed
 * ones, takes more time than a hundred others. */
typedef struct {
    char *at;        /* the line; NULL: none */
    ptrdiff_t known; /* bytes from its beginning on */
    int follow;      /* whether rows do follow each other */
    char line[64];
} carry_t;

static inline void stream_line(char *to, const char *from)
{
#if defined(__AVX512F__)
    _mm512_stream_si512((void *)to, _mm512_loadu_si512((const void *)from));
#elif defined(__AVX2__)
    _mm256_stream_si256((__m256i *)to, _mm256_loadu_si256((const __m256i *)from));
    _mm256_stream_si256((__m256i *)(to + 32), _mm256_loadu_si256((const __m256i *)(from + 32)));
#else
    memcpy(to, from, 64);
#endif
}

static inline void end_carry(carry_t *carry)
{
    if (carry->at)
        memcpy(carry->at, carry->line, (size_t)carry->known);
    carry->at = NULL;
}

/* Whether what is carried ends where `to` begins; else it is put to its place. */
static inline int continues(carry_t *carry, const char *to)
{
    if (carry->at && carry->at + carry->known == to)
        return 1;
    end_carry(carry);
    return 0;
}

static inline void begin_carry(carry_t *carry, char *at, ptrdiff_t known)
{
    carry->at = known ? at : NULL;
    carry->known = known;
}

/* A row of bytes past the caches. */
static inline void stream_row(char *to, const char *from, ptrdiff_t n, carry_t *carry)
{
    const ptrdiff_t behind = (ptrdiff_t)((uintptr_t)to & 63u), head = (64 - behind) % 64;
    const int joined = continues(carry, to);
    if (n < 64) {
        end_carry(carry);
        memcpy(to, from, (size_t)n);
        return;
    }
    memcpy(joined ? carry->line + behind : to, from, (size_t)head);
    if (joined)
        stream_line(carry->at, carry->line);
    ptrdiff_t k = head;
    for (; k + 64 <= n; k += 64)
        stream_line(to + k, from + k);
    begin_carry(carry, to + k, n - k);
    memcpy(carry->line, from + k, (size_t)(n - k));
}

static inline void stream_fence(void)
{
#if defined(__AVX2__) || defined(UPSAMPLER_SSE2)
    _mm_sfence();
#endif
}

#endif
