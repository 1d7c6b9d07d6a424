/* All rows of a small plane at once, where calls row by row would cost more than the rows.
 *
 * Rows follow one another in memory and are written in whole registers: what is written beyond the
 * end of one is written again by the next.
 */
#ifndef UPSAMPLER_SHORT_ROWS_H
#define UPSAMPLER_SHORT_ROWS_H

#include "_lanes.h"

/* Output rows as rows of others: row r reads `taps` from start[r] on, of which the last is `last`. */
typedef struct {
    const int64_t *start;
    const float *w; /* by row, then by tap; one for each row where linear */
    ptrdiff_t rows, taps, last;
    int linear;
} short_rows_t;

#if UPSAMPLER_LANES
enum { MOST_SHORT = 6 }; /* taps of arithmetic in float32 */

/* A register of a plane that ends at `end`. */
ALWAYS void put_inside(float *to, lanes v, const float *end)
{
    if (end - to >= LANES) {
        lanes_store(to, v);
    } else {
        float part[LANES];
        lanes_store(part, v);
        memcpy(to, part, (size_t)(end - to) * sizeof(float));
    }
}

ALWAYS void short_blend(float *to, const float *from, ptrdiff_t n, const short_rows_t *of,
                        const ptrdiff_t taps, const int linear)
{
    const float *const end = to + of->rows * n, *w = of->w;
    for (ptrdiff_t r = 0; r < of->rows; r++, to += n, w += linear ? 1 : taps) {
        const float *rows[MOST_SHORT];
        lanes weights[MOST_SHORT];
        for (ptrdiff_t t = 0; t < taps; t++) {
            const ptrdiff_t at = of->start[r] + t;
            rows[t] = from + (at < of->last ? at : of->last) * n;
            weights[t] = lanes_all(w[linear ? 0 : t]);
        }
        for (ptrdiff_t k = 0; k < n; k += LANES) {
            lanes v = lanes_load(rows[0] + k);
            if (linear) {
                v = between(v, lanes_sub(lanes_load(rows[1] + k), v), weights[0]);
            } else {
                v = lanes_mul(weights[0], v);
                for (ptrdiff_t t = 1; t < taps; t++)
                    v = lanes_add(v, lanes_mul(weights[t], lanes_load(rows[t] + k)));
            }
            put_inside(to + k, v, end);
        }
    }
}

/* Behind the rows of `from`, which is row 0, there is room for a register. */
static void blend_short_rows(float *to, const float *from, ptrdiff_t n, const short_rows_t *of)
{
    if (of->linear)
        short_blend(to, from, n, of, 2, 1);
    else if (of->taps == 4)
        short_blend(to, from, n, of, 4, 0);
    else
        short_blend(to, from, n, of, of->taps, 0);
}

/* Rows of `n` bytes, moved: row r is start[r]. */
static void copy_short_rows(char *to, const char *from, ptrdiff_t n, const int64_t *start,
                            ptrdiff_t rows)
{
    const ptrdiff_t width = 4 * LANES;
    const char *const end = to + rows * n;
    for (ptrdiff_t r = 0; r < rows; r++, to += n) {
        const char *const row = from + start[r] * n;
        ptrdiff_t k = 0;
        for (; k < n && to + k + width <= end; k += width)
            lanes_store((float *)(to + k), lanes_load((const float *)(row + k)));
        if (k < n)
            memcpy(to + k, row + k, (size_t)(n - k));
    }
}
#else
static inline void blend_short_rows(float *to, const float *from, ptrdiff_t n,
                                    const short_rows_t *of)
{
    (void)to, (void)from, (void)n, (void)of;
}
static inline void copy_short_rows(char *to, const char *from, ptrdiff_t n, const int64_t *start,
                                   ptrdiff_t rows)
{
    (void)to, (void)from, (void)n, (void)start, (void)rows;
}
#endif
#endif
