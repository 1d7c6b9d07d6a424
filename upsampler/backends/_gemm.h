/* The inner loop of convolutions: a block of outputs as a sum over taps and channels.
 *
 *     o[m][q] = sum over taps t, channels c of  w[t][c][m] * x[c][offset[t] + q]
 *
 * for `m` of a few output channels and `q` of a few registers of neighbouring positions.  Every
 * output is one chain of fused multiply-adds, in the order of t and c: its bits depend on
 * neither the size of the block nor its place.
 *
 * Block sizes fill the registers: 24 accumulators of 32 registers, 12 of 16.  Measured on Zen 4:
 * blocks of 12 by 2, 8 by 3, 6 by 4 and 4 by 6 all reach the rate of the multipliers.
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
#define add_float(a, b) _mm512_add_ps(a, b)
#define add_double(a, b) _mm512_add_pd(a, b)
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
#define add_float(a, b) _mm256_add_ps(a, b)
#define add_double(a, b) _mm256_add_pd(a, b)
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
#define add_float(a, b) ((a) + (b))
#define add_double(a, b) ((a) + (b))
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
#define add_float(a, b) ((a) + (b))
#define add_double(a, b) ((a) + (b))
#endif

#if defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 32")
#else
#define UNROLL
#endif

/* One block of ROWS outputs by VECS registers of positions; the weights of a block begin with what
 * its sums begin with (a bias). */
#define BLOCK_KERNEL(T, ROWS, VECS)                                                              \
    static inline void block_##T##_##ROWS##_##VECS(                                              \
        T *o, ptrdiff_t o_stride, const T *x, ptrdiff_t plane, const ptrdiff_t *offset,          \
        ptrdiff_t taps, ptrdiff_t channels, const T *w)                                          \
    {                                                                                            \
        vec_##T acc[ROWS][VECS];                                                                 \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++) acc[m][v] = all_##T(w[m]);                     \
        w += ROWS;                                                                               \
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
    }

#define RUN_ARGUMENTS(T)                                                                     \
    T *o, ptrdiff_t o_stride, const T *x, ptrdiff_t plane, const ptrdiff_t *offset,          \
        ptrdiff_t taps, ptrdiff_t channels, const T *w, ptrdiff_t n

/* A run of `n` positions: wide blocks as far as they fit, then blocks of two registers. */
#define RUN_KERNEL(T, ROWS, VECS)                                                               \
    BLOCK_KERNEL(T, ROWS, VECS)                                                                 \
    BLOCK_KERNEL(T, ROWS, 2)                                                                    \
    static void run_##T##_##ROWS(RUN_ARGUMENTS(T))                                              \
    {                                                                                           \
        ptrdiff_t q = 0;                                                                        \
        for (; q + VECS * LANES_##T <= n; q += VECS * LANES_##T)                                \
            block_##T##_##ROWS##_##VECS(o + q, o_stride, x + q, plane, offset, taps, channels,  \
                                        w);                                                     \
        for (; q < n; q += 2 * LANES_##T)                                                       \
            block_##T##_##ROWS##_2(o + q, o_stride, x + q, plane, offset, taps, channels, w);   \
    }
#define RUN_KERNEL_2(T, ROWS)                                                                   \
    BLOCK_KERNEL(T, ROWS, 2)                                                                    \
    static void run_##T##_##ROWS(RUN_ARGUMENTS(T))                                              \
    {                                                                                           \
        for (ptrdiff_t q = 0; q < n; q += 2 * LANES_##T)                                        \
            block_##T##_##ROWS##_2(o + q, o_stride, x + q, plane, offset, taps, channels, w);   \
    }

#if defined(WIDE_REGISTERS)
#define MOST_ROWS 8
#define RUN_KERNELS(T)                                                                          \
    RUN_KERNEL(T, 1, 8) RUN_KERNEL(T, 2, 8) RUN_KERNEL(T, 3, 8) RUN_KERNEL(T, 4, 6)             \
    RUN_KERNEL(T, 5, 4) RUN_KERNEL(T, 6, 4) RUN_KERNEL(T, 7, 3) RUN_KERNEL(T, 8, 3)             \
    RUN_KERNEL_2(T, 9) RUN_KERNEL_2(T, 10) RUN_KERNEL_2(T, 11) RUN_KERNEL_2(T, 12)
#define RUN_NAMES(T)                                                                            \
    run_##T##_1, run_##T##_2, run_##T##_3, run_##T##_4, run_##T##_5, run_##T##_6, run_##T##_7,  \
        run_##T##_8, run_##T##_9, run_##T##_10, run_##T##_11, run_##T##_12
#else
#define MOST_ROWS 6
#define RUN_KERNELS(T)                                                                          \
    RUN_KERNEL(T, 1, 8) RUN_KERNEL(T, 2, 4) RUN_KERNEL(T, 3, 3) RUN_KERNEL(T, 4, 3)             \
    RUN_KERNEL_2(T, 5) RUN_KERNEL_2(T, 6)
#define RUN_NAMES(T) \
    run_##T##_1, run_##T##_2, run_##T##_3, run_##T##_4, run_##T##_5, run_##T##_6
#endif
/* Elements that a run may read and write beyond its end. */
#define RUN_SLACK 32

/* How many of `left` rows the next block takes: blocks of about equal height, for low ones leave
 * registers empty. */
static inline ptrdiff_t rows_of_block(ptrdiff_t left)
{
    ptrdiff_t blocks = (left + MOST_ROWS - 1) / MOST_ROWS;
    return (left + blocks - 1) / blocks;
}

#define RUN(T)                                                                        \
    RUN_KERNELS(T)                                                                    \
    static void run_##T(ptrdiff_t rows, RUN_ARGUMENTS(T))                             \
    {                                                                                 \
        static void (*const of_rows[])(RUN_ARGUMENTS(T)) = {RUN_NAMES(T)};            \
        of_rows[rows - 1](o, o_stride, x, plane, offset, taps, channels, w, n);       \
    }
RUN(float)
RUN(double)

/* A row in whole registers: what is written beyond its end is written again by the one that
 * follows. */
#define COPY_LANES(T)                                                        \
    static inline void copy_lanes_##T(T *to, const T *from, ptrdiff_t n)     \
    {                                                                        \
        for (ptrdiff_t k = 0; k < n; k += LANES_##T)                         \
            store_##T(to + k, load_##T(from + k));                           \
    }
COPY_LANES(float)
COPY_LANES(double)

/* --- sums over positions, for the gradient of the weight --------------------------------------
 *
 *     sum[m][l] += sum over positions q of  a[m][q] * b[q][l]
 *
 * `b` has the channels of one side in its lanes, some registers of them for each position, and `a`
 * are numbers of the other side, one for each position, anywhere: pairs of a channel and a tap.
 * Positions come in rows of `width`, which begin at a_at and b_at and lie a_step and b_step apart.
 * A call adds its positions up by themselves first: long sums of float32 lose fewer bits.  To sums
 * that are `fresh` nothing is added.  The last register of `b` lies at `last`: early, where channels
 * do not fill it.
 */
#define OUTER_ARGUMENTS(T)                                                                     \
    T *sum, ptrdiff_t stride, int fresh, const T *const *a, ptrdiff_t a_step, const T *b,      \
        ptrdiff_t last, ptrdiff_t b_step, const ptrdiff_t *a_at, const ptrdiff_t *b_at,        \
        ptrdiff_t rows, ptrdiff_t width
/* Where register `v` of a pixel lies. */
#define LANE_OF(T, v, VECS, last) ((v) == (VECS)-1 ? (last) : (v) * LANES_##T)
#define OUTER_KERNEL(T, ROWS, VECS)                                                            \
    static void outer_##T##_##ROWS##_##VECS(OUTER_ARGUMENTS(T))                                \
    {                                                                                          \
        vec_##T acc[ROWS][VECS], x[VECS];                                                      \
        UNROLL for (int m = 0; m < ROWS; m++)                                                  \
            UNROLL for (int v = 0; v < VECS; v++) acc[m][v] = all_##T(0);                      \
        for (ptrdiff_t r = 0; r < rows; r++) {                                                 \
            const T *p[ROWS], *q = b + b_at[r];                                                \
            UNROLL for (int m = 0; m < ROWS; m++) p[m] = a[m] + a_at[r];                       \
            for (ptrdiff_t k = 0, i = 0; k < width; k++, i += a_step, q += b_step) {           \
                UNROLL for (int v = 0; v < VECS; v++)                                          \
                    x[v] = load_##T(q + LANE_OF(T, v, VECS, last));                            \
                UNROLL for (int m = 0; m < ROWS; m++) {                                        \
                    const vec_##T w = all_##T(p[m][i]);                                        \
                    UNROLL for (int v = 0; v < VECS; v++)                                      \
                        acc[m][v] = fma_##T(w, x[v], acc[m][v]);                               \
                }                                                                              \
            }                                                                                  \
        }                                                                                      \
        UNROLL for (int m = 0; m < ROWS; m++)                                                  \
            UNROLL for (int v = 0; v < VECS; v++) {                                            \
                T *to = sum + m * stride + v * LANES_##T;                                      \
                store_##T(to, fresh ? acc[m][v] : add_##T(load_##T(to), acc[m][v]));           \
            }                                                                                  \
    }

/* Blocks of few rows, and how many rows a block of so many registers has at most. */
#define SIX(KIND, T, VECS)                                                                      \
    KIND##_KERNEL(T, 1, VECS) KIND##_KERNEL(T, 2, VECS) KIND##_KERNEL(T, 3, VECS)               \
    KIND##_KERNEL(T, 4, VECS) KIND##_KERNEL(T, 5, VECS) KIND##_KERNEL(T, 6, VECS)
#define EIGHT(KIND, T, VECS)                                                                    \
    SIX(KIND, T, VECS) KIND##_KERNEL(T, 7, VECS) KIND##_KERNEL(T, 8, VECS)
#define SIX_NAMES(kind, T, VECS)                                                                \
    kind##_##T##_1_##VECS, kind##_##T##_2_##VECS, kind##_##T##_3_##VECS, kind##_##T##_4_##VECS, \
        kind##_##T##_5_##VECS, kind##_##T##_6_##VECS
#define EIGHT_NAMES(kind, T, VECS)                                                              \
    SIX_NAMES(kind, T, VECS), kind##_##T##_7_##VECS, kind##_##T##_8_##VECS
#define MOST_LOW 8
#if defined(WIDE_REGISTERS)
#define MOST_VECS 4
#define LOW_KERNELS(KIND, T) EIGHT(KIND, T, 1) EIGHT(KIND, T, 2) EIGHT(KIND, T, 3) SIX(KIND, T, 4)
#define LOW_NAMES(kind, T)                                                                      \
    {{EIGHT_NAMES(kind, T, 1)}, {EIGHT_NAMES(kind, T, 2)}, {EIGHT_NAMES(kind, T, 3)},           \
     {SIX_NAMES(kind, T, 4)}}
#define LOW_OF_VECS(vecs) ((vecs) > 3 ? 6 : 8)
#else
#define MOST_VECS 2
#define LOW_KERNELS(KIND, T) EIGHT(KIND, T, 1) SIX(KIND, T, 2)
#define LOW_NAMES(kind, T) {{EIGHT_NAMES(kind, T, 1)}, {SIX_NAMES(kind, T, 2)}}
#define LOW_OF_VECS(vecs) ((vecs) > 1 ? 6 : 8)
#endif

/* How many of `left` rows the next block takes, which is so many registers wide: blocks of about
 * equal height. */
static inline ptrdiff_t low_block(ptrdiff_t left, ptrdiff_t vecs)
{
    ptrdiff_t most = LOW_OF_VECS(vecs), blocks = (left + most - 1) / most;
    return (left + blocks - 1) / blocks;
}

#define OUTER(T)                                                                                 \
    LOW_KERNELS(OUTER, T)                                                                        \
    static void outer_##T(ptrdiff_t count, ptrdiff_t vecs, OUTER_ARGUMENTS(T))                   \
    {                                                                                            \
        static void (*const kernels[MOST_VECS][MOST_LOW])(OUTER_ARGUMENTS(T)) =                  \
            LOW_NAMES(outer, T);                                                                 \
        kernels[vecs - 1][count - 1](sum, stride, fresh, a, a_step, b, last, b_step, a_at, b_at, \
                                     rows, width);                                               \
    }
OUTER(float)
OUTER(double)

/* The same with positions in the lanes, where the other side has few channels: `across` rows of `a`
 * with `down` rows of `b`, `n` elements each (a multiple of the lanes).  Each lane adds up every
 * LANES-th product; lanes are kept apart from call to call (adding them up took longer than the
 * products of a tile) and are added up once, in order, by total_*.
 */
#define DOTS(T, ACROSS, DOWN)                                                                  \
    static void dots_##T##_##ACROSS##_##DOWN(T *sum, const T *a, ptrdiff_t a_stride,           \
                                             const T *const *b, ptrdiff_t n)                   \
    {                                                                                          \
        vec_##T acc[ACROSS][DOWN];                                                             \
        UNROLL for (int i = 0; i < ACROSS; i++)                                                \
            UNROLL for (int j = 0; j < DOWN; j++)                                              \
                acc[i][j] = load_##T(sum + (DOWN * i + j) * LANES_##T);                        \
        for (ptrdiff_t k = 0; k < n; k += LANES_##T) {                                         \
            vec_##T p[ACROSS];                                                                 \
            UNROLL for (int i = 0; i < ACROSS; i++) p[i] = load_##T(a + i * a_stride + k);     \
            UNROLL for (int j = 0; j < DOWN; j++) {                                            \
                const vec_##T q = load_##T(b[j] + k);                                          \
                UNROLL for (int i = 0; i < ACROSS; i++)                                        \
                    acc[i][j] = fma_##T(p[i], q, acc[i][j]);                                   \
            }                                                                                  \
        }                                                                                      \
        UNROLL for (int i = 0; i < ACROSS; i++)                                                \
            UNROLL for (int j = 0; j < DOWN; j++)                                              \
                store_##T(sum + (DOWN * i + j) * LANES_##T, acc[i][j]);                        \
    }
/* Pairs of `b` that a call takes, whether with four rows of `a` or with one. */
#define DOTS_DOWN 4
#define TOTAL(T)                              \
    DOTS(T, 4, 4)                             \
    DOTS(T, 1, 4)                             \
    static T total_##T(const T *sum)          \
    {                                         \
        T total = 0;                          \
        for (int l = 0; l < LANES_##T; l++)   \
            total += sum[l];                  \
        return total;                         \
    }
TOTAL(float)
TOTAL(double)

#endif
