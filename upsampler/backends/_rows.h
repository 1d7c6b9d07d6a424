/* Rows in vector registers: what an output row is made of, rounded and stored in one pass.
 *
 * Thirty-two items at a time, in float32 arithmetic; the last step of a row is moved back until it
 * fits and writes a part of its neighbour once more, so no item is done alone.  Rows of fewer items,
 * other types and other processors are left to the typed loops: these functions return how many
 * items they did, all or none.  Nothing here is fused or reordered: the bits are those of the loops.
 */
#ifndef UPSAMPLER_ROWS_H
#define UPSAMPLER_ROWS_H

#include "_native.h"

/* Items that have such functions, in places of their own: the codes of _types.pxi. */
enum { ROW_U8 = 0, ROW_U16 = 2, ROW_F16 = 8, ROW_F32 = 10 };
enum { STEP = 32 }; /* items */

#if defined(__AVX2__)
#define ALWAYS static inline __attribute__((always_inline))
#if defined(_MSC_VER)
#undef ALWAYS
#define ALWAYS static __forceinline
#endif

ALWAYS int row_size(int kind)
{
    return kind == ROW_U8 ? 1 : kind == ROW_F32 ? 4 : 2;
}

ALWAYS void put(void *to, __m256i v) { _mm256_storeu_si256((__m256i *)to, v); }

/* Rounded to nearest, ties up; a negative number is on its way to 0, by truncation or saturation. */
ALWAYS __m256i whole(__m256 v)
{
    return _mm256_cvttps_epi32(_mm256_add_ps(v, _mm256_set1_ps(0.5f)));
}

ALWAYS __m256i halves(__m256 a, __m256 b)
{
    __m128i low = _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT);
    __m128i high = _mm256_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

ALWAYS __m256i words(__m256 a, __m256 b)
{
    return _mm256_permute4x64_epi64(_mm256_packus_epi32(whole(a), whole(b)), 0xd8);
}

ALWAYS void put_step(char *to, const __m256 *v, int kind)
{
    if (kind == ROW_F32) {
        for (int q = 0; q < 4; q++)
            put(to + 32 * q, _mm256_castps_si256(v[q]));
    } else if (kind == ROW_F16) {
        put(to, halves(v[0], v[1]));
        put(to + 32, halves(v[2], v[3]));
    } else if (kind == ROW_U16) {
        put(to, words(v[0], v[1]));
        put(to + 32, words(v[2], v[3]));
    } else {
        __m256i a = _mm256_packs_epi32(whole(v[0]), whole(v[1]));
        __m256i b = _mm256_packs_epi32(whole(v[2]), whole(v[3]));
        const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        put(to, _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), order));
    }
}

/* What a step computes; `taps` rows, of which linear has two. */
ALWAYS void linear_step(__m256 *v, const float *a, const float *b, __m256 w)
{
    for (int q = 0; q < 4; q++) {
        __m256 x = _mm256_loadu_ps(a + 8 * q);
        __m256 d = _mm256_sub_ps(_mm256_loadu_ps(b + 8 * q), x);
        v[q] = _mm256_add_ps(x, _mm256_mul_ps(w, d));
    }
}

ALWAYS void sum_step(__m256 *v, float **rows, const float *w, ptrdiff_t taps, ptrdiff_t k)
{
    __m256 weight = _mm256_set1_ps(w[0]);
    for (int q = 0; q < 4; q++)
        v[q] = _mm256_mul_ps(weight, _mm256_loadu_ps(rows[0] + k + 8 * q));
    for (ptrdiff_t t = 1; t < taps; t++) {
        weight = _mm256_set1_ps(w[t]);
        for (int q = 0; q < 4; q++)
            v[q] = _mm256_add_ps(v[q], _mm256_mul_ps(weight, _mm256_loadu_ps(rows[t] + k + 8 * q)));
    }
}

#define OVER_ROW(ITEMS, COMPUTE)                                                              \
    for (ptrdiff_t k = 0; k < n; k += STEP) {                                                 \
        __m256 v[4];                                                                          \
        k = k < n - STEP ? k : n - STEP;                                                      \
        COMPUTE;                                                                              \
        put_step((ITEMS) + k * row_size(kind), v, kind);                                      \
    }

ALWAYS void linear_items(char *to, const float *a, const float *b, float w, ptrdiff_t n, int kind)
{
    const __m256 weight = _mm256_set1_ps(w);
    OVER_ROW(to, linear_step(v, a + k, b + k, weight))
}

ALWAYS void sum_items(char *to, float **rows, const float *w, ptrdiff_t taps, ptrdiff_t n,
                      int kind)
{
    /* Four taps are the cubic filters: with the number known, the weights stay in registers. */
    if (taps == 4) {
        OVER_ROW(to, sum_step(v, rows, w, 4, k))
    } else {
        OVER_ROW(to, sum_step(v, rows, w, taps, k))
    }
}

#define BY_KIND(CALL)                                                                         \
    switch (kind) {                                                                           \
    case ROW_U8: CALL(ROW_U8); break;                                                         \
    case ROW_U16: CALL(ROW_U16); break;                                                       \
    case ROW_F16: CALL(ROW_F16); break;                                                       \
    case ROW_F32: CALL(ROW_F32); break;                                                       \
    default: return 0;                                                                        \
    }

static ptrdiff_t row_linear(char *to, const float *a, const float *b, float w, ptrdiff_t n,
                            int kind)
{
    if (n < STEP)
        return 0;
#define LINEAR_ITEMS(K) linear_items(to, a, b, w, n, K)
    BY_KIND(LINEAR_ITEMS)
    return n;
}

static ptrdiff_t row_sum(char *to, float **rows, const float *w, ptrdiff_t taps, ptrdiff_t n,
                         int kind)
{
    if (n < STEP)
        return 0;
#define SUM_ITEMS(K) sum_items(to, rows, w, taps, n, K)
    BY_KIND(SUM_ITEMS)
    return n;
}

/* The sum of rows as they lie in memory; `odd` where a sum is large or not finite.  Several short
 * rows at once are no pattern that processors foresee: what lies AHEAD bytes further is asked for. */
enum { AHEAD = 2048 };

static ptrdiff_t row_sum_checked(float *to, float **rows, const float *w, ptrdiff_t taps,
                                 ptrdiff_t n, float limit, int *odd)
{
    const __m256 most = _mm256_set1_ps(limit), magnitude = _mm256_set1_ps(-0.0f);
    __m256 beyond = _mm256_setzero_ps();
    if (n < STEP)
        return 0;
#define CHECKED_STEP(TAPS)                                                                    \
    for (ptrdiff_t t = 0; t < (TAPS); t++) {                                                  \
        _mm_prefetch((const char *)(rows[t] + k) + AHEAD, _MM_HINT_T0);                       \
        _mm_prefetch((const char *)(rows[t] + k) + AHEAD + 64, _MM_HINT_T0);                  \
    }                                                                                         \
    sum_step(v, rows, w, TAPS, k);                                                            \
    for (int q = 0; q < 4; q++) {                                                             \
        __m256 out = _mm256_cmp_ps(_mm256_andnot_ps(magnitude, v[q]), most, _CMP_NLE_UQ);     \
        beyond = _mm256_or_ps(beyond, out);                                                   \
    }
    const int kind = ROW_F32;
    char *items = (char *)to;
    if (taps == 2)
        OVER_ROW(items, CHECKED_STEP(2))
    else if (taps == 4)
        OVER_ROW(items, CHECKED_STEP(4))
    else
        OVER_ROW(items, CHECKED_STEP(taps))
    *odd = _mm256_movemask_ps(beyond) != 0;
    return n;
}

/* --- 8-bit images by weights that are parts of a power of two ---------------------------------
 * Where all weights of both axes are multiples of a power of two, and what they add up to does not
 * exceed 2^8, sums are exact in 16 bits, as they are in float32: the results are the same.  Eight
 * outputs and their right neighbours lie within 16 bytes of a row, which are loaded, brought into
 * pairs and multiplied at once.
 */
static void linear_bytes(uint16_t *o, const uint8_t *row, const int32_t *base,
                         const uint8_t *order, const uint8_t *pair, ptrdiff_t groups)
{
    for (ptrdiff_t g = 0; g < groups; g++) {
        __m128i low = _mm_loadu_si128((const __m128i *)(row + base[2 * g]));
        __m128i high = _mm_loadu_si128((const __m128i *)(row + base[2 * g + 1]));
        __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        v = _mm256_shuffle_epi8(v, _mm256_loadu_si256((const __m256i *)(order + 32 * g)));
        v = _mm256_maddubs_epi16(v, _mm256_loadu_si256((const __m256i *)(pair + 32 * g)));
        _mm256_storeu_si256((__m256i *)(o + 16 * g), v);
    }
}

ALWAYS __m256i blended(const uint16_t *a, const uint16_t *b, __m256i wa, __m256i wb, __m256i half,
                       __m128i shift)
{
    __m256i x = _mm256_mullo_epi16(wa, _mm256_loadu_si256((const __m256i *)a));
    __m256i y = _mm256_mullo_epi16(wb, _mm256_loadu_si256((const __m256i *)b));
    return _mm256_srl_epi16(_mm256_add_epi16(_mm256_add_epi16(x, half), y), shift);
}

ALWAYS __m256i blended_step(const uint16_t *a, const uint16_t *b, __m256i wa, __m256i wb,
                            __m256i half, __m128i shift)
{
    __m256i p = _mm256_packus_epi16(blended(a, b, wa, wb, half, shift),
                                    blended(a + 16, b + 16, wa, wb, half, shift));
    return _mm256_permute4x64_epi64(p, 0xd8);
}

/* Long rows are streamed as they are computed, a third faster than row by row from a copy.  Their
 * ends are stored plainly: a line that is written both ways costs more than a hundred others. */
static void blend_bytes(uint8_t *o, const uint16_t *a, const uint16_t *b, int wa, int wb, int shift,
                        ptrdiff_t n, int stream)
{
    const __m256i va = _mm256_set1_epi16((short)wa), vb = _mm256_set1_epi16((short)wb);
    const __m256i half = _mm256_set1_epi16((short)(1 << shift >> 1));
    const __m128i count = _mm_cvtsi32_si128(shift);
    ptrdiff_t k = 0;
#define BLENDED(K) blended_step(a + (K), b + (K), va, vb, half, count)
    if (n < STEP) {
        for (; k < n; k++)
            o[k] = (uint8_t)((a[k] * wa + b[k] * wb + (1 << shift >> 1)) >> shift);
        return;
    }
    if (stream && n >= 4 * STEP) {
        const ptrdiff_t head = (ptrdiff_t)(-(uintptr_t)o & 63u);
        const ptrdiff_t lines = head + (n - head) / 64 * 64;
        uint8_t items[64];
        put(items, BLENDED(0));
        put(items + STEP, BLENDED(STEP));
        memcpy(o, items, (size_t)head);
        for (k = head; k < lines; k += STEP)
            _mm256_stream_si256((__m256i *)(o + k), BLENDED(k));
        put(items, BLENDED(n - 2 * STEP));
        put(items + STEP, BLENDED(n - STEP));
        memcpy(o + lines, items + 64 - (n - lines), (size_t)(n - lines));
        return;
    }
    for (; k < n; k += STEP) {
        k = k < n - STEP ? k : n - STEP;
        put(o + k, BLENDED(k));
    }
}

/* Sums of up to four samples, by weights that are 16-bit parts of a power of two: exact in 32 bits
 * and, as they stay below 2^24, in float32 as well.  Groups of eight outputs share `patterns`, of
 * which a scale by an integer has a few: weights by group, 128 bytes each, filled the caches. */
static void sum_bytes(float *o, const uint8_t *row, const int32_t *base, const int32_t *pattern,
                      const uint8_t *patterns, float part, ptrdiff_t groups)
{
    const __m256 unit = _mm256_set1_ps(part);
    for (ptrdiff_t g = 0; g < groups; g++) {
        const __m256i *p = (const __m256i *)(patterns + 128 * (ptrdiff_t)pattern[g]);
        __m128i low = _mm_loadu_si128((const __m128i *)(row + base[2 * g]));
        __m128i high = _mm_loadu_si128((const __m128i *)(row + base[2 * g + 1]));
        __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        __m256i a = _mm256_shuffle_epi8(v, _mm256_loadu_si256(p));
        __m256i b = _mm256_shuffle_epi8(v, _mm256_loadu_si256(p + 1));
        a = _mm256_madd_epi16(a, _mm256_loadu_si256(p + 2));
        b = _mm256_madd_epi16(b, _mm256_loadu_si256(p + 3));
        __m256 sum = _mm256_cvtepi32_ps(_mm256_add_epi32(a, b));
        _mm256_storeu_ps(o + 8 * g, _mm256_mul_ps(unit, sum));
    }
}

/* Nearest: 32 bytes of an output row at a time, each half from 16 bytes of the input row. */
static void pick_bytes(char *o, const char *row, const int32_t *base, const uint8_t *order,
                       ptrdiff_t groups)
{
    for (ptrdiff_t g = 0; g < groups; g++) {
        __m128i low = _mm_loadu_si128((const __m128i *)(row + base[2 * g]));
        __m128i high = _mm_loadu_si128((const __m128i *)(row + base[2 * g + 1]));
        __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        put(o + 32 * g,
            _mm256_shuffle_epi8(v, _mm256_loadu_si256((const __m256i *)(order + 32 * g))));
    }
}
#else
static inline ptrdiff_t row_sum_checked(float *to, float **rows, const float *w, ptrdiff_t taps,
                                        ptrdiff_t n, float limit, int *odd)
{
    (void)to, (void)rows, (void)w, (void)taps, (void)n, (void)limit, (void)odd;
    return 0;
}
static inline void linear_bytes(uint16_t *o, const uint8_t *row, const int32_t *base,
                                const uint8_t *order, const uint8_t *pair, ptrdiff_t groups)
{
    (void)o, (void)row, (void)base, (void)order, (void)pair, (void)groups;
}
static inline void sum_bytes(float *o, const uint8_t *row, const int32_t *base,
                             const int32_t *pattern, const uint8_t *patterns, float part,
                             ptrdiff_t groups)
{
    (void)o, (void)row, (void)base, (void)pattern, (void)patterns, (void)part, (void)groups;
}
static inline void pick_bytes(char *o, const char *row, const int32_t *base, const uint8_t *order,
                              ptrdiff_t groups)
{
    (void)o, (void)row, (void)base, (void)order, (void)groups;
}
static inline void blend_bytes(uint8_t *o, const uint16_t *a, const uint16_t *b, int wa, int wb,
                               int shift, ptrdiff_t n, int stream)
{
    (void)o, (void)a, (void)b, (void)wa, (void)wb, (void)shift, (void)n, (void)stream;
}
static inline ptrdiff_t row_linear(char *to, const float *a, const float *b, float w, ptrdiff_t n,
                                   int kind)
{
    (void)to, (void)a, (void)b, (void)w, (void)n, (void)kind;
    return 0;
}
static inline ptrdiff_t row_sum(char *to, float **rows, const float *w, ptrdiff_t taps, ptrdiff_t n,
                                int kind)
{
    (void)to, (void)rows, (void)w, (void)taps, (void)n, (void)kind;
    return 0;
}
#endif

#endif
