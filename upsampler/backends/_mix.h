/* Rows made of other rows, for convolutions whose phases share products (_products.pxi).
 *
 *     to[r][k] = sum over terms t of  factor[t] * from[at[t] + r * from_step + k]
 *
 * Rows are written in whole registers: what is written beyond the end of a row is written again by
 * the row that follows, so there has to be room behind the last.
 */
#ifndef UPSAMPLER_MIX_H
#define UPSAMPLER_MIX_H

#include "_gemm.h"

#define MIX_ARGUMENTS(T)                                                                        \
    T *to, ptrdiff_t to_step, const T *from, ptrdiff_t from_step, ptrdiff_t rows, ptrdiff_t n,  \
        const ptrdiff_t *at, const double *factor, ptrdiff_t terms

/* Up to four terms are held in registers. */
#define MIX_KERNEL(T, TERMS)                                                               \
    static void mix_##T##_##TERMS(MIX_ARGUMENTS(T))                                        \
    {                                                                                      \
        vec_##T f[TERMS];                                                                  \
        const T *a[TERMS];                                                                 \
        (void)terms;                                                                       \
        UNROLL for (int t = 0; t < TERMS; t++) {                                           \
            f[t] = all_##T((T)factor[t]);                                                  \
            a[t] = from + at[t];                                                           \
        }                                                                                  \
        for (ptrdiff_t r = 0; r < rows; r++, to += to_step)                                \
            for (ptrdiff_t k = 0; k < n; k += LANES_##T) {                                 \
                vec_##T sum = all_##T(0);                                                  \
                UNROLL for (int t = 0; t < TERMS; t++)                                     \
                    sum = fma_##T(f[t], load_##T(a[t] + r * from_step + k), sum);          \
                store_##T(to + k, sum);                                                    \
            }                                                                              \
    }
#define MIX(T)                                                                             \
    MIX_KERNEL(T, 1) MIX_KERNEL(T, 2) MIX_KERNEL(T, 3) MIX_KERNEL(T, 4)                    \
    static void mix_##T##_many(MIX_ARGUMENTS(T))                                           \
    {                                                                                      \
        for (ptrdiff_t r = 0; r < rows; r++, to += to_step, from += from_step)             \
            for (ptrdiff_t k = 0; k < n; k += LANES_##T) {                                 \
                vec_##T sum = all_##T(0);                                                  \
                for (ptrdiff_t t = 0; t < terms; t++)                                      \
                    sum = fma_##T(all_##T((T)factor[t]), load_##T(from + at[t] + k), sum); \
                store_##T(to + k, sum);                                                    \
            }                                                                              \
    }                                                                                      \
    static void mix_##T(MIX_ARGUMENTS(T))                                                  \
    {                                                                                      \
        static void (*const of_terms[])(MIX_ARGUMENTS(T)) = {                              \
            mix_##T##_many, mix_##T##_1, mix_##T##_2, mix_##T##_3, mix_##T##_4};           \
        of_terms[terms > 4 ? 0 : terms](to, to_step, from, from_step, rows, n, at, factor, \
                                        terms);                                            \
    }                                                                                      \
    /* A row, added, and nothing beyond its end. */                                        \
    static void add_mix_##T(T *to, const T *from, ptrdiff_t n, const ptrdiff_t *at,        \
                            const double *factor, ptrdiff_t terms)                         \
    {                                                                                      \
        for (ptrdiff_t t = 0; t < terms; t++)                                              \
            for (ptrdiff_t k = 0; k < n; k++)                                              \
                to[k] += (T)factor[t] * from[at[t] + k];                                   \
    }
MIX(float)
MIX(double)

#endif
