// Interpolation by tables, down the rows of a plane.
//
// A thread owns LANES neighbouring columns of the output and walks down a chunk of its rows.
// Input rows are resampled along the columns once and kept in registers, a ring as long as the
// filter along the rows; output rows are blends of the ring.  The order of arithmetic is that of
// the CPU's loops: along the columns first, sums from left to right, a + w * (b - a) for linear,
// no fused multiply-add.
//
//     SOURCE, TARGET, REAL   items read, items written, arithmetic
//     LANES                  columns of a thread: 16 bytes of TARGET, or 1
//     COLUMNS                how columns are resampled: NONE, LINEAR, SUM
//     VECTOR                 pixels are multiples of LANES items: lanes share start and weights
//     STEP                   items from one tap to the next where lanes differ; 0: `inner`
//     COLUMN_TAPS            taps along the columns; 0: `column_taps`
//     ROWS, TAPS             how rows are: NONE (TAPS 1), LINEAR (2), SUM (TAPS), or LONG, whose
//                            rows are read anew for each output row: TAPS, or `row_taps` where 0
//     ADJOINT                weights of 0 along the rows are left out, whatever they weigh: LONG
//     CHECK                  samples may be infinite or NaN
//     INDEX                  counts within a plane
//
// Tables: row_start[rows]; row_weight[rows] (LINEAR), [rows][taps]; with VECTOR column_start
// counts pixels and weights are [pixels][taps], else it counts items, one entry for each column of
// the output, and weights are [taps][columns].

enum { NONE, LINEAR, SUM, LONG };

typedef Vector<REAL, LANES> Lanes;

// Where the samples that are not finite decide, the plain weighted sum without its zero-weight
// terms; elsewhere the same bits as the short form.
template <bool CAREFUL> __device__ __forceinline__ REAL linear(REAL a, REAL b, REAL w)
{
    REAL v = a + w * (b - a);
    if (CAREFUL && !finite(v)) v = w != 0 ? (1 - w) * a + w * b : a;
    return v;
}

// Sums from left to right.  -0 is what adds nothing: the first term is not changed by it.
template <bool CAREFUL> struct Sums {
    Lanes total;
    bool empty[LANES];
    __device__ __forceinline__ Sums()
    {
#pragma unroll
        for (int j = 0; j < LANES; ++j) {
            total.v[j] = (REAL)-0.0;
            empty[j] = true;
        }
    }
    __device__ __forceinline__ void add(int j, REAL w, REAL v)
    {
        if (CAREFUL && w == 0 && !finite(v)) return;
        total.v[j] = total.v[j] + w * v;
        empty[j] = false;
    }
    __device__ __forceinline__ Lanes done()
    {
#pragma unroll
        for (int j = 0; j < LANES; ++j)
            if (CAREFUL && empty[j]) total.v[j] = 0;
        return total;
    }
};

// The columns of a thread: where they begin to read, in bytes, and with which weights.
struct Columns {
    const REAL *weights;
    i64 step;  // from one tap to the next
    int taps;
#if VECTOR || COLUMNS == 0
    i64 at, next;
    REAL weight;
#else
    i64 at[LANES], next[LANES];
    REAL weight[LANES];
    INDEX pitch;
#endif
};

template <bool CAREFUL>
__device__ __forceinline__ Lanes resample(const SOURCE *__restrict__ row, const Columns &own)
{
    Lanes h;
#if COLUMNS == 0
    Vector<SOURCE, LANES> a = load<SOURCE, LANES>(moved(row, own.at));
#pragma unroll
    for (int j = 0; j < LANES; ++j) h.v[j] = to_real<REAL>(a.v[j]);
#elif COLUMNS == 1 && VECTOR
    Vector<SOURCE, LANES> a = load<SOURCE, LANES>(moved(row, own.at));
    Vector<SOURCE, LANES> b = load<SOURCE, LANES>(moved(row, own.next));
#pragma unroll
    for (int j = 0; j < LANES; ++j)
        h.v[j] = linear<CAREFUL>(to_real<REAL>(a.v[j]), to_real<REAL>(b.v[j]), own.weight);
#elif COLUMNS == 1
#pragma unroll
    for (int j = 0; j < LANES; ++j)
        h.v[j] = linear<CAREFUL>(
            to_real<REAL>(*moved(row, own.at[j])), to_real<REAL>(*moved(row, own.next[j])),
            own.weight[j]);
#elif VECTOR
    Sums<CAREFUL> sums;
    const SOURCE *from = moved(row, own.at);
    const int taps = COLUMN_TAPS ? COLUMN_TAPS : own.taps;
#pragma unroll
    for (int t = 0; t < taps; ++t, from = moved(from, own.step)) {
        REAL w = own.weights[t];
        Vector<SOURCE, LANES> a = load<SOURCE, LANES>(from);
#pragma unroll
        for (int j = 0; j < LANES; ++j) sums.add(j, w, to_real<REAL>(a.v[j]));
    }
    h = sums.done();
#else
    Sums<CAREFUL> sums;
    const SOURCE *from[LANES];
#pragma unroll
    for (int j = 0; j < LANES; ++j) from[j] = moved(row, own.at[j]);
    const REAL *weights = own.weights;
    const int taps = COLUMN_TAPS ? COLUMN_TAPS : own.taps;
#pragma unroll
    for (int t = 0; t < taps; ++t, weights += own.pitch) {
        Lanes w = load<REAL, LANES>(weights);
#pragma unroll
        for (int j = 0; j < LANES; ++j) {
            REAL v = to_real<REAL>(STEP ? from[j][t * STEP] : *moved(from[j], t * own.step));
            sums.add(j, w.v[j], v);
        }
    }
    h = sums.done();
#endif
    return h;
}

template <bool CAREFUL>
__device__ __forceinline__ Lanes blend(const Lanes *ring, const REAL *__restrict__ weights)
{
#if ROWS == 0
    return ring[0];
#elif ROWS == 1
    Lanes v;
    REAL w = weights[0];
#pragma unroll
    for (int j = 0; j < LANES; ++j) v.v[j] = linear<CAREFUL>(ring[0].v[j], ring[1].v[j], w);
    return v;
#else
    Sums<CAREFUL> sums;
#pragma unroll
    for (int t = 0; t < TAPS; ++t) {
        REAL w = weights[t];
#pragma unroll
        for (int j = 0; j < LANES; ++j) sums.add(j, w, ring[t].v[j]);
    }
    return sums.done();
#endif
}

// One output row without a ring; with SKIP weights of 0 are left out.
template <bool CAREFUL, bool SKIP>
__device__ __forceinline__ Lanes read_rows(
    const SOURCE *__restrict__ from, const Columns &own, INDEX pitch,
    const REAL *__restrict__ weights, int row_taps)
{
    const int taps = TAPS ? TAPS : row_taps;
    Sums<CAREFUL> sums;
    bool none = SKIP;
#pragma unroll
    for (int t = 0; t < taps; ++t, from += pitch) {
        REAL w = weights[t];
        if (SKIP && w == 0) continue;
        none = false;
        Lanes h = resample<CAREFUL>(from, own);
#pragma unroll
        for (int j = 0; j < LANES; ++j) sums.add(j, w, h.v[j]);
    }
    if (none) return Lanes{};
    return sums.done();
}

// Whether no weight is 0, so that rows need no look at each; a product that underflows says no.
__device__ __forceinline__ bool complete(const REAL *__restrict__ weights)
{
    REAL all = 1;
#pragma unroll
    for (int t = 0; t < TAPS; ++t) all *= weights[t];
    return TAPS > 0 && all != 0;
}

// Whether a lane may not be finite.  One sum of all costs less than a look at each; where it
// overflows by itself, rows are computed once more, to the same bits.
__device__ __forceinline__ bool odd(const Lanes &v)
{
    REAL all = v.v[0];
#pragma unroll
    for (int j = 1; j < LANES; ++j) all += v.v[j];
    return !finite(all);
}

__device__ __forceinline__ void write(TARGET *to, const Lanes &v)
{
    Vector<TARGET, LANES> items;
#pragma unroll
    for (int j = 0; j < LANES; ++j) items.v[j] = to_item<TARGET>(v.v[j]);
    store<TARGET, LANES>(to, items);
}

extern "C" __global__ void __launch_bounds__(128, 1)
march(const SOURCE *__restrict__ x, TARGET *__restrict__ y, const int *__restrict__ row_start,
      const REAL *__restrict__ row_weight, const INDEX *__restrict__ column_start,
      const REAL *__restrict__ column_weight, i64 planes, INDEX in_rows, INDEX in_pitch,
      INDEX rows, INDEX pitch, INDEX inner, INDEX chunk, int row_taps, int column_taps)
{
    const INDEX vectors = pitch / LANES;
    const INDEX k = COLUMN;
    const INDEX part = k / vectors;
    const INDEX column = (k - part * vectors) * LANES;
    const INDEX first = part * chunk;
    if (first >= rows) return;
    const INDEX stop = min(first + chunk, rows);

    Columns own;
    own.weights = column_weight;
    own.step = (i64)inner * sizeof(SOURCE);
    own.taps = column_taps;
#if COLUMNS == 0
    own.at = (i64)column * sizeof(SOURCE);
    keep(own.at);
#elif VECTOR
    const INDEX pixel = column / inner;
    const i64 begin = (i64)column_start[pixel] * inner + column - pixel * inner;
    own.at = begin * sizeof(SOURCE);
    own.next = own.at + (begin + inner < in_pitch ? own.step : 0);
    own.weights += pixel * column_taps;
    own.weight = own.weights[0];
    keep(own.at);
    keep(own.next);
#else
    own.pitch = pitch;
    own.weights += column;
#pragma unroll
    for (int j = 0; j < LANES; ++j) {
        const INDEX begin = column_start[column + j];
        own.at[j] = (i64)begin * sizeof(SOURCE);
        own.next[j] = own.at[j] + (begin + inner < in_pitch ? own.step : 0);
        own.weight[j] = own.weights[j];
        keep(own.at[j]);
        keep(own.next[j]);
    }
#endif

    for (i64 plane = PLANE; plane < planes; plane += PLANES) {
        const SOURCE *xp = x + plane * in_rows * in_pitch;
        TARGET *yp = y + plane * rows * pitch + first * pitch + column;
#if ROWS == 3
        for (INDEX r = first; r < stop; ++r, yp += pitch) {
            const SOURCE *from = xp + row_start[r] * in_pitch;
            const REAL *weights = row_weight + r * (TAPS ? TAPS : row_taps);
            Lanes v;
            if (!ADJOINT || complete(weights))
                v = read_rows<false, false>(from, own, in_pitch, weights, row_taps);
            else
                v = read_rows<false, true>(from, own, in_pitch, weights, row_taps);
            if (CHECK && !ADJOINT && odd(v))
                v = read_rows<true, false>(from, own, in_pitch, weights, row_taps);
            write(yp, v);
        }
#else
        Lanes ring[TAPS];
        INDEX have = -TAPS;  // ring[t] is row have + t; nothing yet
        for (INDEX r = first; r < stop; ++r, yp += pitch) {
            const INDEX start = ROWS == NONE ? r : row_start[r];
#pragma unroll 1
            for (have = max(have, start - TAPS); have < start; ++have) {
#pragma unroll
                for (int t = 1; t < TAPS; ++t) ring[t - 1] = ring[t];
                const INDEX row = min(have + TAPS, in_rows - 1);
                ring[TAPS - 1] = resample<false>(xp + row * in_pitch, own);
            }
            const REAL *weights = row_weight + (ROWS == SUM ? r * TAPS : r);
            Lanes v = blend<false>(ring, weights);
            if (CHECK && odd(v)) {
#pragma unroll 1
                for (INDEX i = start; i < start + TAPS; ++i) {
#pragma unroll
                    for (int t = 1; t < TAPS; ++t) ring[t - 1] = ring[t];
                    ring[TAPS - 1] = resample<true>(xp + min(i, in_rows - 1) * in_pitch, own);
                }
                v = blend<true>(ring, weights);
            }
            write(yp, v);
        }
#endif
    }
}
