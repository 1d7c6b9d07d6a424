/* Rows of float32 resampled along themselves, a register of outputs at a time.
 *
 * Results are stored in whole registers: a row of results has room for one more behind its end.
 * The functions return whether a result is large or not finite (see collect_odd); such a row has
 * to be done again, carefully.
 */
#ifndef UPSAMPLER_COLUMNS_H
#define UPSAMPLER_COLUMNS_H

#include "_lanes.h"

/* Rows that are doubled: weights of two outputs that read the same samples. */
typedef struct {
    const float *w;       /* by output, then by tap; one for each where linear */
    const int32_t *order; /* of two registers of results: where to find each, in both */
} twice_t;

/* A register of neighbouring outputs reads samples that lie close together: when growing within
 * one register whatever the scale, and for few items a pixel; when shrinking within two or four.
 * A load and a shuffle bring them into place, where a gather takes a load for each.  Group g
 * begins at row[base[g]]; which samples from there on it reads, and the weights, are a pattern,
 * of which scales with a small denominator have a few.  Samples further apart are gathered. */
typedef struct {
    const int32_t *base; /* by group; where they are gathered by item, from the row on */
    const int32_t *pattern;
    const uint8_t *order; /* by pattern: [LANES] */
    const float *weights; /* [taps][LANES], of linear [LANES] */
    int wide;             /* registers that the samples of a group fill, 0 for more than four */
} groups_t;

/* A tile of columns.  Which way it is resampled: twice_t or groups_t where their first pointer is
 * set, else pixels fill registers. */
typedef struct {
    twice_t twice;
    groups_t groups;       /* from the tile's first on */
    const int32_t *start;  /* by output: the first sample that it reads, in pixels */
    const float *w;        /* by output, then by tap; by tap first where pixels are single items */
    ptrdiff_t inner, taps; /* items of a pixel; samples that an output reads */
    int linear;
    ptrdiff_t in_n, out_n;      /* pixels */
    ptrdiff_t periodic, cycles; /* the run of pairs of outputs for twice_t */
} columns_t;

/* Rows that resample_ahead makes at once.  Short rows, which besides are not read again before they
 * have left the processor for the cache, take 0.6 to 0.9 times as long, rows that fill a tile 0.85 to
 * 1.05 times; on a processor whose other half is busy all gain.  3 and 4 rows were no faster. */
enum { AHEAD = 2 };

#if UPSAMPLER_LANES
/* --- twice as many ----------------------------------------------------------------------------
 * Two neighbouring outputs read the same samples: loads are contiguous, and there is neither an
 * index nor a weight to fetch.  A step takes as many whole pixels as a register holds.  There are
 * as many pairs at least; the last step is moved back until it fits.
 */
enum { MOST_TWICE = 6 }; /* taps */

ALWAYS lanes sum_of(const lanes *x, const lanes *w, const int taps)
{
    lanes sum = lanes_mul(w[0], x[0]);
    for (int t = 1; t < taps; t++)
        sum = lanes_add(sum, lanes_mul(w[t], x[t]));
    return sum;
}

typedef struct {
    lanes w[2][MOST_TWICE], odd[2];
    whole_lanes low, high; /* the order of results, where registers are brought in any order */
} doubling_t;

/* Pairs of outputs from input pixel `k` on.  Pixels of several items do not fill a register: the
 * last step reads no more than lies before `end`. */
ALWAYS void twice_step(float *o, const float *row, doubling_t *by, ptrdiff_t k, ptrdiff_t inner,
                       const int taps, const int linear, const float *end)
{
    lanes x[MOST_TWICE], v[2];
    for (int t = 0; t < taps; t++) {
        const float *at = row + (k + t) * inner;
        x[t] = end ? lanes_begin(at, end - at) : lanes_load(at);
    }
    for (int r = 0; r < 2; r++) {
        v[r] = linear ? between(x[0], lanes_sub(x[1], x[0]), by->w[r][0])
                      : sum_of(x, by->w[r], taps);
        by->odd[r] = collect_odd(by->odd[r], v[r]);
    }
#if UPSAMPLER_LANES == 16
    lanes_store(o + 2 * k * inner, _mm512_permutex2var_ps(v[0], by->low, v[1]));
    lanes_store(o + 2 * k * inner + LANES, _mm512_permutex2var_ps(v[0], by->high, v[1]));
#else
    lanes_interleave(o + 2 * k, v[0], v[1]);
#endif
}

ALWAYS int twice_by(float *o, const float *row, const columns_t *of, const int taps,
                    const int linear, const int single)
{
    const ptrdiff_t inner = single ? 1 : of->inner, pixels = single ? LANES : LANES / inner;
    const ptrdiff_t last = of->cycles - pixels;
    const float *const end = row + of->in_n * inner;
    const int weights = linear ? 1 : taps;
    doubling_t by;
    by.odd[0] = by.odd[1] = lanes_all(0);
    by.low = lanes_whole(of->twice.order);
    by.high = lanes_whole(of->twice.order + LANES);
    for (int t = 0; t < weights; t++) {
        by.w[0][t] = lanes_all(of->twice.w[t]);
        by.w[1][t] = lanes_all(of->twice.w[weights + t]);
    }
    o += of->periodic * inner;
    row += of->start[of->periodic] * inner;
    for (ptrdiff_t k = 0; k < last; k += pixels)
        twice_step(o, row, &by, k, inner, taps, linear, NULL);
    twice_step(o, row, &by, last, inner, taps, linear, single ? NULL : end);
    return any_odd(lanes_add(by.odd[0], by.odd[1]));
}

/* Outputs beside the run of pairs, one by one.  The last sample is its own right neighbour. */
ALWAYS int singly(float *o, const float *row, const columns_t *of, ptrdiff_t from, ptrdiff_t to,
                  const int taps, const int linear, const int single)
{
    const ptrdiff_t inner = single ? 1 : of->inner;
    const ptrdiff_t by_output = single || linear ? 1 : taps, by_tap = single ? of->out_n : 1;
    int odd = 0;
    for (ptrdiff_t j = from; j < to; j++)
        for (ptrdiff_t c = 0; c < inner; c++) {
            const float *a = row + of->start[j] * inner + c;
            const float first = of->w[j * by_output];
            float sum = first * a[0];
            if (linear)
                sum = a[0] + first * (a[of->start[j] + 1 < of->in_n ? inner : 0] - a[0]);
            for (ptrdiff_t t = 1; t < (linear ? 0 : taps); t++)
                sum = sum + of->w[j * by_output + t * by_tap] * a[t * inner];
            o[j * inner + c] = sum;
            odd |= !(sum <= 0x1p+100f && sum >= -0x1p+100f);
            NOT_AS_VECTORS;
        }
    return odd;
}

ALWAYS int doubled(float *o, const float *row, const columns_t *of, const int taps,
                   const int linear, const int single)
{
    int odd = twice_by(o, row, of, taps, linear, single);
    odd |= singly(o, row, of, 0, of->periodic, taps, linear, single);
    return odd | singly(o, row, of, of->periodic + 2 * of->cycles, of->out_n, taps, linear, single);
}

/* --- any scale --------------------------------------------------------------------------------
 * Behind the row lie zeros.  The right neighbour of the last sample is one of them: where a linear
 * weight is 0 the result is that of any other finite neighbour, the sign of a zero included.
 */
ALWAYS int groups_by(float *const *o, const float *const *row, const int rows, const columns_t *of,
                     ptrdiff_t from, ptrdiff_t to, const ptrdiff_t taps, const int linear,
                     const int wide, const int bounded)
{
    const ptrdiff_t inner = of->inner;
    const groups_t all = of->groups;
    const int kept = linear ? 1 : taps == 4 ? 4 : 0; /* weights that stay in registers */
    lanes odd[AHEAD], weight[4];
    whole_lanes order = lanes_order(all.order);
    ptrdiff_t known = -1;
    int any = 0;
    for (int r = 0; r < rows; r++)
        odd[r] = lanes_all(0);
    for (ptrdiff_t g = from; g < to; g++) {
        const ptrdiff_t pattern = all.pattern[g];
        const float *w = all.weights + pattern * (linear ? 1 : taps) * LANES;
        if (pattern != known) { /* by a factor of 2, 4, 8, ... they all are the same */
            known = pattern;
            if (wide)
                order = lanes_order(all.order + pattern * LANES);
            for (int t = 0; t < kept; t++)
                weight[t] = lanes_load(w + t * LANES);
        }
        const int32_t *places = all.base + g * LANES;
        const ptrdiff_t base = wide ? all.base[g] : 0;
        lanes v[AHEAD];
#define SAMPLES(T)                                                                             \
    (wide ? lanes_picked(row[r] + base + (T) * inner, order, wide, bounded,                    \
                         row[r] + of->in_n * inner)                                            \
          : lanes_gathered(row[r] + (T) * inner, places, row[r] + of->in_n * inner))
#define WEIGHT(T) (kept ? weight[T] : lanes_load(w + (T) * LANES))
        for (int r = 0; r < rows; r++)
            v[r] = linear ? SAMPLES(0) : lanes_mul(WEIGHT(0), SAMPLES(0));
        if (linear)
            for (int r = 0; r < rows; r++)
                v[r] = between(v[r], lanes_sub(SAMPLES(1), v[r]), weight[0]);
        else
            for (ptrdiff_t t = 1; t < taps; t++)
                for (int r = 0; r < rows; r++)
                    v[r] = lanes_add(v[r], lanes_mul(WEIGHT(t), SAMPLES(t)));
#undef SAMPLES
#undef WEIGHT
        for (int r = 0; r < rows; r++) {
            odd[r] = collect_odd(odd[r], v[r]);
            lanes_store(o[r] + g * LANES, v[r]);
        }
    }
    for (int r = 0; r < rows; r++)
        any |= any_odd(odd[r]) << r;
    return any;
}

ALWAYS int groups_wide(float *const *o, const float *const *row, const int rows,
                       const columns_t *of, const ptrdiff_t taps, const int linear,
                       const int wide)
{
    const ptrdiff_t count = (of->out_n * of->inner + LANES - 1) / LANES;
    const ptrdiff_t last = (of->in_n - taps + 1) * of->inner - wide * LANES;
    ptrdiff_t inside = count; /* groups that read nothing behind the row */
    while (wide && inside > 0 && of->groups.base[inside - 1] > last)
        inside--;
    const int odd = groups_by(o, row, rows, of, 0, inside, taps, linear, wide, 0);
    return odd | groups_by(o, row, rows, of, inside, count, taps, linear, wide, 1);
}

#define GROUPS(ROWS, WIDE)                                              \
    of->linear       ? groups_wide(o, row, ROWS, of, 2, 1, WIDE)        \
    : of->taps == 4  ? groups_wide(o, row, ROWS, of, 4, 0, WIDE)        \
                     : groups_wide(o, row, ROWS, of, of->taps, 0, WIDE)
ALWAYS int groups_of_row(float *const *o, const float *const *row, const columns_t *of)
{
    switch (of->groups.wide) {
    case 1: return GROUPS(1, 1);
    case 2: return GROUPS(1, 2);
    case 4: return GROUPS(1, 4);
    }
    return GROUPS(1, 0);
}

/* What there is to fetch for a group serves all rows; the result has a bit for each. */
static int resample_ahead(float *const *o, const float *const *row, const columns_t *of)
{
    return of->groups.wide == 1 ? GROUPS(AHEAD, 1) : GROUPS(AHEAD, 2);
}
#undef GROUPS

/* --- pixels of many items ---------------------------------------------------------------------
 * Pixels of a register or more, whose items share a weight.  The last step of a pixel is moved back
 * until it fits.  The last pixel is its own right neighbour.
 */
ALWAYS int pixels_by(float *o, const float *row, const columns_t *of, const ptrdiff_t taps,
                     const int linear)
{
    const ptrdiff_t inner = of->inner, last = inner - LANES, n = of->out_n;
    lanes odd = lanes_all(0);
    for (ptrdiff_t j = 0; j < n; j++) {
        const float *a = row + of->start[j] * inner, *w = of->w + j * (linear ? 1 : taps);
        const float *b = of->start[j] + 1 < of->in_n ? a + inner : a;
        for (ptrdiff_t c = 0; c <= last; c = c < last && c + LANES > last ? last : c + LANES) {
            lanes v = lanes_load(a + c);
            if (linear) {
                v = between(v, lanes_sub(lanes_load(b + c), v), lanes_all(w[0]));
            } else {
                v = lanes_mul(lanes_all(w[0]), v);
                for (ptrdiff_t t = 1; t < taps; t++)
                    v = lanes_add(v, lanes_mul(lanes_all(w[t]), lanes_load(a + t * inner + c)));
            }
            odd = collect_odd(odd, v);
            lanes_store(o + j * inner + c, v);
        }
    }
    return any_odd(odd);
}

/* A tile of a row; nothing behind it is read. */
static int resample_columns(float *o, const float *row, const columns_t *of)
{
    if (of->twice.w && of->inner == 1)
        return of->linear      ? doubled(o, row, of, 2, 1, 1)
               : of->taps == 4 ? doubled(o, row, of, 4, 0, 1)
                               : doubled(o, row, of, 6, 0, 1);
    if (of->twice.w)
        return of->linear      ? doubled(o, row, of, 2, 1, 0)
               : of->taps == 4 ? doubled(o, row, of, 4, 0, 0)
                               : doubled(o, row, of, 6, 0, 0);
    if (of->groups.base)
        return groups_of_row(&o, &row, of);
    return of->linear      ? pixels_by(o, row, of, 2, 1)
           : of->taps == 4 ? pixels_by(o, row, of, 4, 0)
                           : pixels_by(o, row, of, of->taps, 0);
}
#else
static inline int resample_columns(float *o, const float *row, const columns_t *of)
{
    (void)o, (void)row, (void)of;
    return 0;
}
static inline int resample_ahead(float *const *o, const float *const *row, const columns_t *of)
{
    (void)o, (void)row, (void)of;
    return 0;
}
#endif
#endif
