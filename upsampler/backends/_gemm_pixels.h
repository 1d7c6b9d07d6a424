/* The inner loops of convolutions whose channels lie side by side: a block of pixels as sums over
 * taps and channels, output channels in the lanes.
 *
 *     to[m][l] = sum over taps t, channels c of  w[t][c][l] * x[place[m] + offset[t] + c]
 *
 * Every output is the chain of fused multiply-adds that _gemm.h makes of it, in the same order.
 * Pixels may lie anywhere, so blocks pass over the ends of rows.  Measured on Zen 4: from 4 pixels
 * by 2 registers on all blocks reach the rate of the multipliers; with more than 8 pixels their
 * lines, a power of two apart, no longer fit into the first cache.
 */
#ifndef UPSAMPLER_GEMM_PIXELS_H
#define UPSAMPLER_GEMM_PIXELS_H

#include "_gemm.h"

#define PIXELS_ARGUMENTS(T)                                                          \
    char *const *to, const T *x, const ptrdiff_t *place, const ptrdiff_t *offset,    \
        const ptrdiff_t *tap, ptrdiff_t taps, ptrdiff_t channels, const T *w

/* What outputs will overwrite is fetched while they are summed up: a twentieth of the time. */
#if defined(__GNUC__)
#define FETCH(p) __builtin_prefetch(p, 1)
#else
#define FETCH(p) ((void)(p))
#endif

/* ROWS pixels by VECS registers of outputs; the weights begin with what the sums begin with (a
 * bias). */
#define PIXELS_KERNEL(T, ROWS, VECS)                                                             \
    static void pixels_##T##_##ROWS##_##VECS(PIXELS_ARGUMENTS(T))                                \
    {                                                                                            \
        vec_##T acc[ROWS][VECS], b[VECS];                                                        \
        const T *p[ROWS];                                                                        \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++) {                                              \
                acc[m][v] = load_##T(w + v * LANES_##T);                                         \
                FETCH((T *)to[m] + v * LANES_##T);                                               \
            }                                                                                    \
        for (ptrdiff_t t = 0; t < taps; t++) {                                                   \
            const T *q = w + VECS * LANES_##T * (1 + tap[t] * channels);                         \
            UNROLL for (int m = 0; m < ROWS; m++) p[m] = x + place[m] + offset[t];               \
            for (ptrdiff_t c = 0; c < channels; c++, q += VECS * LANES_##T) {                    \
                UNROLL for (int v = 0; v < VECS; v++) b[v] = load_##T(q + v * LANES_##T);        \
                UNROLL for (int m = 0; m < ROWS; m++) {                                          \
                    const vec_##T a = all_##T(p[m][c]);                                          \
                    UNROLL for (int v = 0; v < VECS; v++)                                        \
                        acc[m][v] = fma_##T(a, b[v], acc[m][v]);                                 \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++)                                                \
                store_##T((T *)to[m] + v * LANES_##T, acc[m][v]);                                \
    }

/* The same where every channel is a group of its own:  w[t][l] * x[place[m] + offset[t] + l]. */
#define APART_KERNEL(T, ROWS, VECS)                                                              \
    static void apart_##T##_##ROWS##_##VECS(PIXELS_ARGUMENTS(T))                                 \
    {                                                                                            \
        vec_##T acc[ROWS][VECS];                                                                 \
        (void)channels;                                                                          \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++) acc[m][v] = load_##T(w + v * LANES_##T);       \
        for (ptrdiff_t t = 0; t < taps; t++) {                                                   \
            const T *p = x + offset[t], *q = w + VECS * LANES_##T * (1 + tap[t]);                \
            UNROLL for (int m = 0; m < ROWS; m++)                                                \
                UNROLL for (int v = 0; v < VECS; v++)                                            \
                    acc[m][v] = fma_##T(load_##T(q + v * LANES_##T),                             \
                                        load_##T(p + place[m] + v * LANES_##T), acc[m][v]);      \
        }                                                                                        \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++)                                                \
                store_##T((T *)to[m] + v * LANES_##T, acc[m][v]);                                \
    }

#define PIXELS_KERNELS(T, ROWS)                                                                  \
    PIXELS_KERNEL(T, ROWS, 1) PIXELS_KERNEL(T, ROWS, 2)                                          \
    APART_KERNEL(T, ROWS, 1) APART_KERNEL(T, ROWS, 2)
#define PIXELS_NAMES(T, ROWS)                                                                    \
    {{pixels_##T##_##ROWS##_1, pixels_##T##_##ROWS##_2},                                         \
     {apart_##T##_##ROWS##_1, apart_##T##_##ROWS##_2}}
#define LOW_KERNELS(T)                                                                           \
    PIXELS_KERNELS(T, 1) PIXELS_KERNELS(T, 2) PIXELS_KERNELS(T, 3) PIXELS_KERNELS(T, 4)          \
    PIXELS_KERNELS(T, 5) PIXELS_KERNELS(T, 6)
#define LOW_NAMES(T)                                                                             \
    PIXELS_NAMES(T, 1), PIXELS_NAMES(T, 2), PIXELS_NAMES(T, 3), PIXELS_NAMES(T, 4),              \
        PIXELS_NAMES(T, 5), PIXELS_NAMES(T, 6)
#if defined(WIDE_REGISTERS)
#define MOST_PIXELS 8
#define ALL_KERNELS(T) LOW_KERNELS(T) PIXELS_KERNELS(T, 7) PIXELS_KERNELS(T, 8)
#define ALL_NAMES(T) LOW_NAMES(T), PIXELS_NAMES(T, 7), PIXELS_NAMES(T, 8)
#else
#define MOST_PIXELS 6
#define ALL_KERNELS(T) LOW_KERNELS(T)
#define ALL_NAMES(T) LOW_NAMES(T)
#endif

/* How many of `left` pixels the next block takes: blocks of about equal height. */
static inline ptrdiff_t pixels_of_block(ptrdiff_t left)
{
    ptrdiff_t blocks = (left + MOST_PIXELS - 1) / MOST_PIXELS;
    return (left + blocks - 1) / blocks;
}

#define SUM_PIXELS(T)                                                                            \
    ALL_KERNELS(T)                                                                               \
    static void sum_pixels_##T(ptrdiff_t pixels, ptrdiff_t vecs, int apart, PIXELS_ARGUMENTS(T)) \
    {                                                                                            \
        static void (*const kernels[][2][2])(PIXELS_ARGUMENTS(T)) = {ALL_NAMES(T)};              \
        kernels[pixels - 1][apart][vecs - 1](to, x, place, offset, tap, taps, channels, w);     \
    }
SUM_PIXELS(float)
SUM_PIXELS(double)

#endif
