/* The inner loop of convolutions: a block of outputs as a sum over taps and channels.
 *
 *     o[m][q] = sum over taps t, channels c of  w[t][c][m] * x[c][offset[t] + q]
 *
 * for `m` of a few output channels and `q` of a few registers of neighbouring positions.  Every
 * output is one chain of fused multiply-adds, in the order of t and c: its bits depend on
 * neither the size of the block nor its place.
 *
 * Block sizes fill the registers: 24 accumulators of 32 registers, 12 of 16.
 */
#ifndef UPSAMPLER_GEMM_H
#define UPSAMPLER_GEMM_H

#include "_native.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#define WIDE_REGISTERS 1
typedef __m512 vec_float;
typedef __m512d vec_double;
#define LANES_float 16
#define LANES_double 8
#define load_float(p) _mm512_loadu_ps(p)
#define load_double(p) _mm512_loadu_pd(p)
#define store_float(p, v) _mm512_storeu_ps(p, v)
#define store_double(p, v) _mm512_storeu_pd(p, v)
#define all_float(x) _mm512_set1_ps(x)
#define all_double(x) _mm512_set1_pd(x)
#define fma_float(a, b, c) _mm512_fmadd_ps(a, b, c)
#define fma_double(a, b, c) _mm512_fmadd_pd(a, b, c)
#elif defined(__AVX2__) && defined(__FMA__)
typedef __m256 vec_float;
typedef __m256d vec_double;
#define LANES_float 8
#define LANES_double 4
#define load_float(p) _mm256_loadu_ps(p)
#define load_double(p) _mm256_loadu_pd(p)
#define store_float(p, v) _mm256_storeu_ps(p, v)
#define store_double(p, v) _mm256_storeu_pd(p, v)
#define all_float(x) _mm256_set1_ps(x)
#define all_double(x) _mm256_set1_pd(x)
#define fma_float(a, b, c) _mm256_fmadd_ps(a, b, c)
#define fma_double(a, b, c) _mm256_fmadd_pd(a, b, c)
#elif defined(__GNUC__)
typedef float vec_float __attribute__((vector_size(16)));
typedef double vec_double __attribute__((vector_size(16)));
#define LANES_float 4
#define LANES_double 2
static inline vec_float load_float(const float *p) { vec_float v; memcpy(&v, p, 16); return v; }
static inline vec_double load_double(const double *p) { vec_double v; memcpy(&v, p, 16); return v; }
static inline void store_float(float *p, vec_float v) { memcpy(p, &v, 16); }
static inline void store_double(double *p, vec_double v) { memcpy(p, &v, 16); }
#define all_float(x) ((vec_float){x, x, x, x})
#define all_double(x) ((vec_double){x, x})
#define fma_float(a, b, c) ((a) * (b) + (c))
#define fma_double(a, b, c) ((a) * (b) + (c))
#else
typedef float vec_float;
typedef double vec_double;
#define LANES_float 1
#define LANES_double 1
#define load_float(p) (*(p))
#define load_double(p) (*(p))
#define store_float(p, v) (*(p) = (v))
#define store_double(p, v) (*(p) = (v))
#define all_float(x) (x)
#define all_double(x) (x)
#define fma_float(a, b, c) ((a) * (b) + (c))
#define fma_double(a, b, c) ((a) * (b) + (c))
#endif

#if defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 32")
#else
#define UNROLL
#endif

/* One block of ROWS output channels by VECS registers. */
#define BLOCK_KERNEL(T, ROWS, VECS)                                                              \
    static inline void block_##T##_##ROWS(T *o, ptrdiff_t o_stride, const T *x, ptrdiff_t plane, \
                                          const ptrdiff_t *offset, ptrdiff_t taps,               \
                                          ptrdiff_t channels, const T *w)                        \
    {                                                                                            \
        vec_##T acc[ROWS][VECS];                                                                 \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++) acc[m][v] = all_##T(0);                        \
        for (ptrdiff_t t = 0; t < taps; t++) {                                                   \
            const T *p = x + offset[t];                                                          \
            for (ptrdiff_t c = 0; c < channels; c++, p += plane, w += ROWS) {                    \
                vec_##T b[VECS];                                                                 \
                UNROLL for (int v = 0; v < VECS; v++) b[v] = load_##T(p + v * LANES_##T);        \
                UNROLL for (int m = 0; m < ROWS; m++) {                                          \
                    const vec_##T a = all_##T(w[m]);                                             \
                    UNROLL for (int v = 0; v < VECS; v++)                                        \
                        acc[m][v] = fma_##T(a, b[v], acc[m][v]);                                 \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++)                                                \
                store_##T(o + m * o_stride + v * LANES_##T, acc[m][v]);                          \
    }                                                                                            \
    static inline void run_##T##_##ROWS(T *o, ptrdiff_t o_stride, const T *x, ptrdiff_t plane,   \
                                        const ptrdiff_t *offset, ptrdiff_t taps,                 \
                                        ptrdiff_t channels, const T *w, ptrdiff_t n)             \
    {                                                                                            \
        for (ptrdiff_t q = 0; q < n; q += VECS * LANES_##T)                                      \
            block_##T##_##ROWS(o + q, o_stride, x + q, plane, offset, taps, channels, w);        \
    }

#if defined(WIDE_REGISTERS)
#define MOST_ROWS 12
#define BLOCK_KERNELS(T) \
    BLOCK_KERNEL(T, 12, 2) BLOCK_KERNEL(T, 6, 4) BLOCK_KERNEL(T, 4, 4) BLOCK_KERNEL(T, 2, 8) \
    BLOCK_KERNEL(T, 1, 8)
#else
#define MOST_ROWS 6
#define BLOCK_KERNELS(T) \
    BLOCK_KERNEL(T, 6, 2) BLOCK_KERNEL(T, 4, 2) BLOCK_KERNEL(T, 2, 4) BLOCK_KERNEL(T, 1, 8)
#endif
/* Elements that a run may read and write beyond its end. */
#define RUN_SLACK 128

BLOCK_KERNELS(float)
BLOCK_KERNELS(double)

/* How many of `left` output channels the next block takes. */
static inline ptrdiff_t rows_of_block(ptrdiff_t left)
{
    if (MOST_ROWS == 12 && left >= 12)
        return 12;
    return left >= 6 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

#if defined(WIDE_REGISTERS)
#define RUN_WIDE(T) if (rows == 12) run_##T##_12(o, o_stride, x, plane, offset, taps, channels, w, n); else
#else
#define RUN_WIDE(T)
#endif
#define RUN(T)                                                                                 \
    static void run_##T(ptrdiff_t rows, T *o, ptrdiff_t o_stride, const T *x, ptrdiff_t plane, \
                        const ptrdiff_t *offset, ptrdiff_t taps, ptrdiff_t channels,           \
                        const T *w, ptrdiff_t n)                                               \
    {                                                                                          \
        RUN_WIDE(T)                                                                            \
        if (rows == 6) run_##T##_6(o, o_stride, x, plane, offset, taps, channels, w, n);       \
        else if (rows == 4) run_##T##_4(o, o_stride, x, plane, offset, taps, channels, w, n);  \
        else if (rows == 2) run_##T##_2(o, o_stride, x, plane, offset, taps, channels, w, n);  \
        else run_##T##_1(o, o_stride, x, plane, offset, taps, channels, w, n);                 \
    }
RUN(float)
RUN(double)

/* --- dot products, for the gradient of the weight -------------------------------------------
 * Four rows of `a` with four of `b`, `n` elements each (a multiple of the lanes).  Each lane adds
 * up every LANES-th product; lanes are kept apart from call to call (adding them up took longer
 * than the products of a tile) and are added up once, in order, by total_*.
 */
#define LANES_MOST 16
#define DOTS(T)                                                                            \
    static void dots_##T(T *sum, const T *a, ptrdiff_t a_stride, const T *b,               \
                         ptrdiff_t b_stride, ptrdiff_t n)                                  \
    {                                                                                      \
        vec_##T acc[4][4];                                                                 \
        UNROLL for (int i = 0; i < 4; i++)                                                 \
            UNROLL for (int j = 0; j < 4; j++)                                             \
                acc[i][j] = load_##T(sum + (4 * i + j) * LANES_##T);                       \
        for (ptrdiff_t k = 0; k < n; k += LANES_##T) {                                     \
            vec_##T q[4];                                                                  \
            UNROLL for (int j = 0; j < 4; j++) q[j] = load_##T(b + j * b_stride + k);      \
            UNROLL for (int i = 0; i < 4; i++) {                                           \
                const vec_##T p = load_##T(a + i * a_stride + k);                          \
                UNROLL for (int j = 0; j < 4; j++)                                         \
                    acc[i][j] = fma_##T(p, q[j], acc[i][j]);                               \
            }                                                                              \
        }                                                                                  \
        UNROLL for (int i = 0; i < 4; i++)                                                 \
            UNROLL for (int j = 0; j < 4; j++)                                             \
                store_##T(sum + (4 * i + j) * LANES_##T, acc[i][j]);                       \
    }                                                                                      \
    static T total_##T(const T *sum)                                                       \
    {                                                                                      \
        T total = 0;                                                                       \
        for (int l = 0; l < LANES_##T; l++)                                                \
            total += sum[l];                                                               \
        return total;                                                                      \
    }
DOTS(float)
DOTS(double)

#endif
