/* The inner loops of convolutions whose channels lie side by side: a block of pixels as sums over
 * taps and channels, output channels in the lanes.
 *
 *     to[m][l] = from[m][l] + sum over t, c of  w[weight[t]][c][l] * x[place[m] + offset[t] + c]
 *
 * where `from` may be several rows for each pixel, added up first: ``from[s * MOST_LOW + m]``.
 * The last register of `to` is stored at `last`: early, where channels do not fill it.
 *
 * Every output is the chain of fused multiply-adds that _gemm.h makes of it, in the same order.
 * Pixels may lie anywhere, so blocks pass over the ends of rows.
 *
 * A block is as many registers of outputs wide as there are, up to four; its pixels then fill 24
 * registers.  Measured on an Intel Xeon whose neighbour on the core was busy, weights from the
 * second cache: 6 pixels by 4 and 8 by 3 gained a tenth over 8 by 2, which loads as many weights for
 * fewer products, and were as fast as 14 by 2.  On Zen 4 all of them reach the rate of the
 * multipliers.
 */
#ifndef UPSAMPLER_GEMM_PIXELS_H
#define UPSAMPLER_GEMM_PIXELS_H

#include "_gemm.h"

#define PIXELS_ARGUMENTS(T)                                                                \
    T *const *to, ptrdiff_t last, const T *const *from, ptrdiff_t froms, const T *x,       \
        const ptrdiff_t *place, const ptrdiff_t *offset, const T *w,                       \
        const ptrdiff_t *weight, ptrdiff_t taps, ptrdiff_t channels

/* What is written or read later is fetched ahead: outputs that are overwritten while they are summed
 * up (a twentieth of the time), weights WEIGHTS_AHEAD channels before they are multiplied. */
#if defined(__GNUC__)
#define FETCH_TO_WRITE(p) __builtin_prefetch(p, 1)
#define FETCH(p) __builtin_prefetch(p)
#else
#define FETCH_TO_WRITE(p) ((void)(p))
#define FETCH(p) ((void)(p))
#endif
#define WEIGHTS_AHEAD 8

/* ROWS pixels by VECS registers of outputs. */
#define PIXELS_KERNEL(T, ROWS, VECS)                                                             \
    static void pixels_##T##_##ROWS##_##VECS(PIXELS_ARGUMENTS(T))                                \
    {                                                                                            \
        vec_##T acc[ROWS][VECS], b[VECS];                                                        \
        const T *p[ROWS];                                                                        \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++) {                                              \
                acc[m][v] = load_##T(from[m] + v * LANES_##T);                                   \
                FETCH_TO_WRITE(to[m] + LANE_OF(T, v, VECS, last));                               \
            }                                                                                    \
        for (ptrdiff_t s = MOST_LOW; s < froms * MOST_LOW; s += MOST_LOW)                        \
            UNROLL for (int m = 0; m < ROWS; m++)                                                \
                UNROLL for (int v = 0; v < VECS; v++)                                            \
                    acc[m][v] = add_##T(acc[m][v], load_##T(from[s + m] + v * LANES_##T));       \
        for (ptrdiff_t t = 0; t < taps; t++) {                                                   \
            const T *q = w + weight[t];                                                          \
            UNROLL for (int m = 0; m < ROWS; m++) p[m] = x + place[m] + offset[t];               \
            for (ptrdiff_t c = 0; c < channels; c++, q += VECS * LANES_##T) {                    \
                UNROLL for (int v = 0; v < VECS; v++) {                                          \
                    b[v] = load_##T(q + v * LANES_##T);                                          \
                    FETCH(q + (WEIGHTS_AHEAD * VECS + v) * LANES_##T);                                   \
                }                                                                                \
                UNROLL for (int m = 0; m < ROWS; m++) {                                          \
                    const vec_##T a = all_##T(p[m][c]);                                          \
                    UNROLL for (int v = 0; v < VECS; v++)                                        \
                        acc[m][v] = fma_##T(a, b[v], acc[m][v]);                                 \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++)                                                \
                store_##T(to[m] + LANE_OF(T, v, VECS, last), acc[m][v]);                         \
    }

/* The same where every channel is a group of its own:  w[t][l] * x[place[m] + offset[t] + l], of
 * which `channels` is where the last register lies. */
#define APART_KERNEL(T, ROWS, VECS)                                                              \
    static void apart_##T##_##ROWS##_##VECS(PIXELS_ARGUMENTS(T))                                 \
    {                                                                                            \
        vec_##T acc[ROWS][VECS];                                                                 \
        (void)froms;                                                                             \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++) acc[m][v] = load_##T(from[m] + v * LANES_##T); \
        for (ptrdiff_t t = 0; t < taps; t++) {                                                   \
            const T *p = x + offset[t], *q = w + weight[t];                                      \
            UNROLL for (int m = 0; m < ROWS; m++)                                                \
                UNROLL for (int v = 0; v < VECS; v++)                                            \
                    acc[m][v] = fma_##T(load_##T(q + v * LANES_##T),                             \
                                        load_##T(p + place[m] + LANE_OF(T, v, VECS, channels)),  \
                                        acc[m][v]);                                              \
        }                                                                                        \
        UNROLL for (int m = 0; m < ROWS; m++)                                                    \
            UNROLL for (int v = 0; v < VECS; v++)                                                \
                store_##T(to[m] + LANE_OF(T, v, VECS, last), acc[m][v]);                         \
    }

#define SUM_PIXELS(T)                                                                            \
    LOW_KERNELS(PIXELS, T)                                                                       \
    LOW_KERNELS(APART, T)                                                                        \
    static void sum_pixels_##T(ptrdiff_t pixels, ptrdiff_t vecs, int apart, PIXELS_ARGUMENTS(T)) \
    {                                                                                            \
        static void (*const kernels[2][MOST_VECS][MOST_LOW])(PIXELS_ARGUMENTS(T)) = {            \
            LOW_NAMES(pixels, T), LOW_NAMES(apart, T)};                                          \
        kernels[apart][vecs - 1][pixels - 1](to, last, from, froms, x, place, offset, w, weight, \
                                             taps, channels);                                    \
    }
SUM_PIXELS(float)
SUM_PIXELS(double)

#endif
