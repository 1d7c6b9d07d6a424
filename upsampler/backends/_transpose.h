/* Transposition of a few rows, and strided copies: how planes become pixels and pixels planes.
 *
 *     to[k * stride + r] = rows[r][k]        for r < count and k < n
 *
 * Square blocks go through registers, or tall ones of four elements.  A last block that does not
 * fit is moved back until it does, and writes a part of its neighbour once more: no block is ever
 * partial.  A phase of outputs interleaved with its neighbours, pixels made of channels, channels
 * taken from pixels: all of them are this.
 */
#ifndef UPSAMPLER_TRANSPOSE_H
#define UPSAMPLER_TRANSPOSE_H

#include "_native.h"

/* Called by pointer instead, squares took six times as long. */
#if defined(__GNUC__)
#define INLINED static inline __attribute__((always_inline))
#else
#define INLINED static inline
#endif

#if defined(__AVX2__)
#define SQUARE_float 8
#define SQUARE_double 4
INLINED void square_float(float *to, ptrdiff_t stride, const float *const *rows, ptrdiff_t k)
{
    __m256 a[8], b[8];
    for (int r = 0; r < 4; r++) {
        /* Halves of rows r and r + 4 side by side: loads do a third of the shuffling. */
        a[r] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(rows[r] + k)),
                                    _mm_loadu_ps(rows[r + 4] + k), 1);
        a[r + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(rows[r] + k + 4)),
                                        _mm_loadu_ps(rows[r + 4] + k + 4), 1);
    }
    for (int h = 0; h < 8; h += 4) {
        b[h] = _mm256_unpacklo_ps(a[h], a[h + 1]);
        b[h + 1] = _mm256_unpackhi_ps(a[h], a[h + 1]);
        b[h + 2] = _mm256_unpacklo_ps(a[h + 2], a[h + 3]);
        b[h + 3] = _mm256_unpackhi_ps(a[h + 2], a[h + 3]);
        _mm256_storeu_ps(to + h * stride, _mm256_shuffle_ps(b[h], b[h + 2], 0x44));
        _mm256_storeu_ps(to + (h + 1) * stride, _mm256_shuffle_ps(b[h], b[h + 2], 0xee));
        _mm256_storeu_ps(to + (h + 2) * stride, _mm256_shuffle_ps(b[h + 1], b[h + 3], 0x44));
        _mm256_storeu_ps(to + (h + 3) * stride, _mm256_shuffle_ps(b[h + 1], b[h + 3], 0xee));
    }
}
INLINED void square_double(double *to, ptrdiff_t stride, const double *const *rows,
                                 ptrdiff_t k)
{
    __m256d a[4], b[4];
    for (int r = 0; r < 4; r++)
        a[r] = _mm256_loadu_pd(rows[r] + k);
    b[0] = _mm256_unpacklo_pd(a[0], a[1]);
    b[1] = _mm256_unpackhi_pd(a[0], a[1]);
    b[2] = _mm256_unpacklo_pd(a[2], a[3]);
    b[3] = _mm256_unpackhi_pd(a[2], a[3]);
    _mm256_storeu_pd(to, _mm256_permute2f128_pd(b[0], b[2], 0x20));
    _mm256_storeu_pd(to + stride, _mm256_permute2f128_pd(b[1], b[3], 0x20));
    _mm256_storeu_pd(to + 2 * stride, _mm256_permute2f128_pd(b[0], b[2], 0x31));
    _mm256_storeu_pd(to + 3 * stride, _mm256_permute2f128_pd(b[1], b[3], 0x31));
}
#else
#define SQUARE_float 4
#define SQUARE_double 4
#define SQUARE(T)                                                                            \
    INLINED void square_##T(T *to, ptrdiff_t stride, const T *const *rows, ptrdiff_t k) \
    {                                                                                        \
        for (int j = 0; j < 4; j++)                                                          \
            for (int r = 0; r < 4; r++)                                                      \
                to[j * stride + r] = rows[r][k + j];                                         \
    }
#if defined(UPSAMPLER_SSE2)
INLINED void square_float(float *to, ptrdiff_t stride, const float *const *rows, ptrdiff_t k)
{
    __m128 a = _mm_loadu_ps(rows[0] + k), b = _mm_loadu_ps(rows[1] + k);
    __m128 c = _mm_loadu_ps(rows[2] + k), d = _mm_loadu_ps(rows[3] + k);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(to, a);
    _mm_storeu_ps(to + stride, b);
    _mm_storeu_ps(to + 2 * stride, c);
    _mm_storeu_ps(to + 3 * stride, d);
}
#else
SQUARE(float)
#endif
SQUARE(double)
#endif

#if defined(__AVX2__)
INLINED void four_float(float *to, ptrdiff_t stride, const float *const *rows, ptrdiff_t k)
{
    __m128 a = _mm_loadu_ps(rows[0] + k), b = _mm_loadu_ps(rows[1] + k);
    __m128 c = _mm_loadu_ps(rows[2] + k), d = _mm_loadu_ps(rows[3] + k);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(to, a);
    _mm_storeu_ps(to + stride, b);
    _mm_storeu_ps(to + 2 * stride, c);
    _mm_storeu_ps(to + 3 * stride, d);
}
#else
#define four_float square_float
#endif
#define four_double square_double

/* As many rows as fill a register, four elements of each. */
#if defined(__AVX512F__)
#define TALL_float 16
INLINED void tall_float(float *to, ptrdiff_t stride, const float *const *rows, ptrdiff_t k)
{
    __m512 a[4], b[4];
    for (int r = 0; r < 4; r++) {
        /* Quarters of rows r, r + 4, r + 8 and r + 12 side by side. */
        const float *const *p = rows + r;
        __m512 x = _mm512_castps128_ps512(_mm_loadu_ps(p[0] + k));
        x = _mm512_insertf32x4(x, _mm_loadu_ps(p[4] + k), 1);
        x = _mm512_insertf32x4(x, _mm_loadu_ps(p[8] + k), 2);
        a[r] = _mm512_insertf32x4(x, _mm_loadu_ps(p[12] + k), 3);
    }
    b[0] = _mm512_unpacklo_ps(a[0], a[1]);
    b[1] = _mm512_unpackhi_ps(a[0], a[1]);
    b[2] = _mm512_unpacklo_ps(a[2], a[3]);
    b[3] = _mm512_unpackhi_ps(a[2], a[3]);
    _mm512_storeu_ps(to, _mm512_shuffle_ps(b[0], b[2], 0x44));
    _mm512_storeu_ps(to + stride, _mm512_shuffle_ps(b[0], b[2], 0xee));
    _mm512_storeu_ps(to + 2 * stride, _mm512_shuffle_ps(b[1], b[3], 0x44));
    _mm512_storeu_ps(to + 3 * stride, _mm512_shuffle_ps(b[1], b[3], 0xee));
}
/* Sixteen of each: whole lines are written. */
#define WIDE_float 16
INLINED void wide_square_float(float *to, ptrdiff_t stride, const float *const *rows, ptrdiff_t k)
{
    for (int h = 0; h < 16; h += 4)
        tall_float(to + h * stride, stride, rows, k + h);
}
#elif defined(__AVX2__)
#define TALL_float 8
INLINED void tall_float(float *to, ptrdiff_t stride, const float *const *rows, ptrdiff_t k)
{
    __m256 a[4], b[4];
    for (int r = 0; r < 4; r++)
        a[r] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(rows[r] + k)),
                                    _mm_loadu_ps(rows[r + 4] + k), 1);
    b[0] = _mm256_unpacklo_ps(a[0], a[1]);
    b[1] = _mm256_unpackhi_ps(a[0], a[1]);
    b[2] = _mm256_unpacklo_ps(a[2], a[3]);
    b[3] = _mm256_unpackhi_ps(a[2], a[3]);
    _mm256_storeu_ps(to, _mm256_shuffle_ps(b[0], b[2], 0x44));
    _mm256_storeu_ps(to + stride, _mm256_shuffle_ps(b[0], b[2], 0xee));
    _mm256_storeu_ps(to + 2 * stride, _mm256_shuffle_ps(b[1], b[3], 0x44));
    _mm256_storeu_ps(to + 3 * stride, _mm256_shuffle_ps(b[1], b[3], 0xee));
}
#define WIDE_float SQUARE_float
#define wide_square_float square_float
#else
#define TALL_float SQUARE_float
#define tall_float square_float
#define WIDE_float SQUARE_float
#define wide_square_float square_float
#endif
#define TALL_double SQUARE_double
#define tall_double square_double
#define WIDE_double SQUARE_double
#define wide_square_double square_double

/* Two rows element by element.  Left to itself the compiler takes twice the shuffles. */
#if defined(__AVX2__)
static inline ptrdiff_t pairs_float(float *to, const float *a, const float *b, ptrdiff_t n)
{
    ptrdiff_t k = 0;
    for (; k + 8 <= n; k += 8) {
        __m256 x = _mm256_loadu_ps(a + k), y = _mm256_loadu_ps(b + k);
        __m256 low = _mm256_unpacklo_ps(x, y), high = _mm256_unpackhi_ps(x, y);
        _mm256_storeu_ps(to + 2 * k, _mm256_permute2f128_ps(low, high, 0x20));
        _mm256_storeu_ps(to + 2 * k + 8, _mm256_permute2f128_ps(low, high, 0x31));
    }
    return k;
}
#else
#define pairs_float(to, a, b, n) 0
#endif
#define pairs_double(to, a, b, n) 0

/* Five to seven rows, side by side: eight are written for each k, and the next k writes what is too
 * much once more.  Returns how many k are done, all but a few. */
#if defined(__AVX2__)
static inline ptrdiff_t wide_float(float *to, const float *const *rows, ptrdiff_t count,
                                   ptrdiff_t n)
{
    const float *eight[8];
    ptrdiff_t k = 0;
    for (int r = 0; r < 8; r++)
        eight[r] = rows[r < count ? r : 0];
    for (; k + 8 < n; k += 8)
        square_float(to + k * count, count, eight, k);
    return k;
}
#else
#define wide_float(to, rows, count, n) 0
#endif
#define wide_double(to, rows, count, n) 0

#define TRANSPOSE(T)                                                                          \
    INLINED void squares_##T(T *to, ptrdiff_t stride, const T *const *rows,             \
                                   ptrdiff_t count, ptrdiff_t n, ptrdiff_t down,              \
                                   ptrdiff_t across,                                          \
                                   void (*square)(T *, ptrdiff_t, const T *const *, ptrdiff_t)) \
    {                                                                                         \
        for (ptrdiff_t k = 0;; k = k + across < n - across ? k + across : n - across) {       \
            for (ptrdiff_t r = 0;; r = r + down < count - down ? r + down : count - down) {   \
                square(to + k * stride + r, stride, rows + r, k);                             \
                if (r == count - down)                                                        \
                    break;                                                                    \
            }                                                                                 \
            if (k == n - across)                                                              \
                break;                                                                        \
        }                                                                                     \
    }                                                                                         \
    static void transpose_##T(T *to, ptrdiff_t stride, const T *const *rows, ptrdiff_t count, \
                              ptrdiff_t n)                                                    \
    {                                                                                         \
        const T *a = rows[0], *b = rows[count > 1], *c = rows[count > 2 ? 2 : 0];             \
        if (count >= WIDE_##T && n >= WIDE_##T) {                                             \
            squares_##T(to, stride, rows, count, n, WIDE_##T, WIDE_##T, wide_square_##T);     \
        } else if (count >= TALL_##T && n >= 4) {                                             \
            squares_##T(to, stride, rows, count, n, TALL_##T, 4, tall_##T);                   \
        } else if (count >= SQUARE_##T && n >= SQUARE_##T) {                                  \
            squares_##T(to, stride, rows, count, n, SQUARE_##T, SQUARE_##T, square_##T);      \
        } else if (count >= 4 && n >= 4) {                                                    \
            ptrdiff_t k = 0;                                                                  \
            const T *rest[8];                                                                 \
            if (5 <= count && count < 8 && stride == count && n > 8) {                        \
                k = wide_##T(to, rows, count, n);                                             \
                k = k < n - 4 ? k : n - 4;                                                    \
                for (ptrdiff_t r = 0; r < count; r++) rest[r] = rows[r] + k;                  \
                rows = rest;                                                                  \
            }                                                                                 \
            squares_##T(to + k * stride, stride, rows, count, n - k, 4, 4, four_##T);         \
        } else if (count == 1 && stride == 1) {                                               \
            memcpy(to, a, (size_t)n * sizeof(T));                                             \
        } else if (count == 2 && stride == 2) {                                               \
            for (ptrdiff_t k = pairs_##T(to, a, b, n); k < n; k++) {                          \
                to[2 * k] = a[k];                                                             \
                to[2 * k + 1] = b[k];                                                         \
            }                                                                                 \
        } else if (count == 3 && stride == 3) {                                               \
            for (ptrdiff_t k = 0; k < n; k++) {                                               \
                to[3 * k] = a[k];                                                             \
                to[3 * k + 1] = b[k];                                                         \
                to[3 * k + 2] = c[k];                                                         \
            }                                                                                 \
        } else {                                                                              \
            for (ptrdiff_t r = 0; r < count; r++)                                             \
                for (ptrdiff_t k = 0; k < n; k++)                                             \
                    to[k * stride + r] = rows[r][k];                                          \
        }                                                                                     \
    }                                                                                         \
    /* Rows are short: a call of memcpy takes as long as the copy.  Compilers turn loops of a  \
     * constant stride into shuffles. */                                                      \
    static void copy_strided_##T(T *to, const T *from, ptrdiff_t n, ptrdiff_t stride)         \
    {                                                                                         \
        ptrdiff_t j = 0;                                                                      \
        if (stride == 1) {                                                                    \
            for (; j + 8 <= n; j += 8) memcpy(to + j, from + j, 8 * sizeof(T));               \
            for (; j < n; j++) to[j] = from[j];                                               \
        } else if (stride == 2)                                                                 \
            for (ptrdiff_t k = 0; k < n; k++) to[k] = from[2 * k];                            \
        else if (stride == 3)                                                                 \
            for (ptrdiff_t k = 0; k < n; k++) to[k] = from[3 * k];                            \
        else if (stride == 4)                                                                 \
            for (ptrdiff_t k = 0; k < n; k++) to[k] = from[4 * k];                            \
        else                                                                                  \
            for (ptrdiff_t k = 0; k < n; k++) to[k] = from[k * stride];                       \
    }
TRANSPOSE(float)
TRANSPOSE(double)

#endif
