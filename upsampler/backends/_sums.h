/* Rows of float32 as they lie in memory, added up.
 *
 * A few rows at a time: more streams than that are no pattern that processors foresee, and rows a
 * power of two apart throw each other out of the cache.  The rows that come next are asked for.
 */
#ifndef UPSAMPLER_SUMS_H
#define UPSAMPLER_SUMS_H

#include "_lanes.h"

#if UPSAMPLER_LANES
enum { TOGETHER = 4, NUMBERS_STEP = 32, LINE_NUMBERS = 64 / 4 };

typedef struct {
    const float *rows[TOGETHER], *next[TOGETHER]; /* `next`: rows to ask for, `ahead` of them */
    lanes w[TOGETHER];
    ptrdiff_t ahead;
} added_t;

ALWAYS void add_step(lanes *v, const float *to, const added_t *of, ptrdiff_t k, const int count,
                     const int more)
{
    for (ptrdiff_t t = 0; t < of->ahead; t++)
        for (int q = 0; q < NUMBERS_STEP; q += LINE_NUMBERS)
            _mm_prefetch((const char *)(of->next[t] + k + q), _MM_HINT_T0);
    for (int q = 0; q < NUMBERS_STEP / LANES; q++) {
        const ptrdiff_t at = k + q * LANES;
        for (int t = 0; t < count; t++) {
            const lanes part = lanes_mul(of->w[t], lanes_load(of->rows[t] + at));
            v[q] = t ? lanes_add(v[q], part) : more ? lanes_add(lanes_load(to + at), part) : part;
        }
    }
}

ALWAYS lanes put_added(float *to, const lanes *v, lanes odd)
{
    for (int q = 0; q < NUMBERS_STEP / LANES; q++) {
        lanes_store(to + q * LANES, v[q]);
        odd = collect_odd(odd, v[q]);
    }
    return odd;
}

/* The last step is moved back until it fits: it is computed first, from what is not yet added to. */
ALWAYS lanes add_rows(float *to, const added_t *of, ptrdiff_t n, const int count, const int more)
{
    const ptrdiff_t last = n - NUMBERS_STEP;
    lanes v[NUMBERS_STEP / LANES], end[NUMBERS_STEP / LANES], odd = lanes_all(0);
    add_step(end, to, of, last, count, more);
    for (ptrdiff_t k = 0; k < last; k += NUMBERS_STEP) {
        add_step(v, to, of, k, count, more);
        odd = put_added(to + k, v, odd);
    }
    return put_added(to + last, end, odd);
}

/* ``sum of w[t] * rows[t]`` from left to right, `*odd` where a sum is large or not finite; 0 for
 * rows that are too short.  Behind the rows lie the pointers of `ahead` more that are asked for. */
static int rows_added(float *to, const float *const *rows, const float *w, ptrdiff_t count,
                      ptrdiff_t ahead, ptrdiff_t n, int *odd)
{
    lanes seen = lanes_all(0);
    if (n < NUMBERS_STEP)
        return 0;
    for (ptrdiff_t t = 0; t < count; t += TOGETHER) {
        const ptrdiff_t here = count - t < TOGETHER ? count - t : TOGETHER;
        const ptrdiff_t behind = count + ahead - t - here;
        added_t of = {.ahead = behind < TOGETHER ? behind : TOGETHER};
        for (ptrdiff_t j = 0; j < here; j++) {
            of.rows[j] = rows[t + j];
            of.w[j] = lanes_all(w[t + j]);
        }
        for (ptrdiff_t j = 0; j < of.ahead; j++)
            of.next[j] = rows[t + here + j];
#define ADD(COUNT) \
    t ? add_rows(to, &of, n, COUNT, 1) : add_rows(to, &of, n, COUNT, 0)
        seen = lanes_add(seen, here == 4 ? ADD(4) : here == 3 ? ADD(3) : here == 2 ? ADD(2) : ADD(1));
#undef ADD
    }
    *odd |= any_odd(seen);
    return 1;
}
#else
static inline int rows_added(float *to, const float *const *rows, const float *w, ptrdiff_t count,
                             ptrdiff_t ahead, ptrdiff_t n, int *odd)
{
    (void)to, (void)rows, (void)w, (void)count, (void)ahead, (void)n, (void)odd;
    return 0;
}
#endif
#endif
