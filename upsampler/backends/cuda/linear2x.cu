// Bilinear by two along both axes of a plane, align_corners=False: constant weights, no tables.
//
//     SOURCE, REAL   items and arithmetic
//     LANES          columns of the output that a thread makes: 16 bytes
//     CHECK, INDEX   as in march.cu
//
// Outputs 2g - 1 and 2g lie between the samples g - 1 and g, at 1/4 and 3/4 of the way, and share
// the difference of the two.  The first output has weight 0, between the samples 0 and 1, and the
// last between two of the last sample, as the tables say: that decides the sign of a zero.

#define NEAR ((REAL)0.25)
#define FAR ((REAL)0.75)
#define HALF (LANES / 2)

typedef Vector<REAL, LANES> Lanes;

template <bool CAREFUL> __device__ __forceinline__ REAL between(REAL a, REAL b, REAL difference, REAL w)
{
    REAL v = a + w * difference;
    if (CAREFUL && !finite(v)) v = w != 0 ? (1 - w) * a + w * b : a;
    return v;
}

// What a thread reads of each row: HALF samples from `at` on, and one on either side.
struct Place {
    INDEX at, before, after;
    REAL weight;  // of the first output
};

template <bool CAREFUL>
__device__ __forceinline__ Lanes resample(const SOURCE *__restrict__ row, const Place &own)
{
    REAL v[HALF + 2];
    Vector<SOURCE, HALF> here = load<SOURCE, HALF>(row + own.at);
    v[0] = to_real<REAL>(row[own.before]);
    v[HALF + 1] = to_real<REAL>(row[own.after]);
#pragma unroll
    for (int j = 0; j < HALF; ++j) v[j + 1] = to_real<REAL>(here.v[j]);
    REAL d[HALF + 1];
    REAL first = own.weight != 0 ? v[1] : v[2];
    d[0] = first - v[0];
#pragma unroll
    for (int j = 1; j <= HALF; ++j) d[j] = v[j + 1] - v[j];
    Lanes h;
#pragma unroll
    for (int j = 0; j < HALF; ++j) {
        h.v[2 * j] = between<CAREFUL>(
            v[j], j ? v[j + 1] : first, d[j], j ? FAR : own.weight);
        h.v[2 * j + 1] = between<CAREFUL>(v[j + 1], v[j + 2], d[j + 1], NEAR);
    }
    return h;
}

__device__ __forceinline__ bool odd(const Lanes &v)
{
    REAL all = v.v[0];
#pragma unroll
    for (int j = 1; j < LANES; ++j) all += v.v[j];
    return !finite(all);
}

__device__ __forceinline__ void write(SOURCE *to, const Lanes &v)
{
    Vector<SOURCE, LANES> items;
#pragma unroll
    for (int j = 0; j < LANES; ++j) items.v[j] = to_item<SOURCE>(v.v[j]);
    store<SOURCE, LANES>(to, items);
}

// One output row from scratch, where something is not finite.
__device__ __forceinline__ void
write_careful(SOURCE *to, const SOURCE *upper, const SOURCE *lower, const Place &own, REAL w)
{
    Lanes a = resample<true>(upper, own), b = resample<true>(lower, own), v;
#pragma unroll
    for (int j = 0; j < LANES; ++j) v.v[j] = between<true>(a.v[j], b.v[j], b.v[j] - a.v[j], w);
    write(to, v);
}

// One output row; returns whether it was finite.
__device__ __forceinline__ void
write_row(SOURCE *to, const Lanes &a, const Lanes &b, REAL w, const SOURCE *upper,
          const SOURCE *lower, const Place &own)
{
    Lanes v;
#pragma unroll
    for (int j = 0; j < LANES; ++j) v.v[j] = a.v[j] + w * (b.v[j] - a.v[j]);
    if (CHECK && odd(v)) write_careful(to, upper, lower, own, w);
    else write(to, v);
}

extern "C" __global__ void __launch_bounds__(128, 1)
linear2x(const SOURCE *__restrict__ x, SOURCE *__restrict__ y, i64 planes, INDEX height,
         INDEX width, INDEX chunk)
{
    const INDEX vectors = width / HALF;
    const INDEX k = COLUMN;
    const INDEX part = k / vectors;
    const INDEX first = part * chunk;
    if (first >= height) return;
    const INDEX stop = min(first + chunk, height);
    const INDEX pitch = 2 * width;
    Place own;
    own.at = (k - part * vectors) * HALF;
    own.before = max(own.at - 1, (INDEX)0);
    own.after = min(own.at + HALF, width - 1);
    own.weight = own.at ? FAR : (REAL)0;

    for (i64 plane = PLANE; plane < planes; plane += PLANES) {
        const SOURCE *xp = x + plane * height * width;
        SOURCE *yp = y + plane * (2 * height) * pitch + 2 * first * pitch + 2 * own.at;
        // The first row of the output lies before the first sample.
        const SOURCE *upper = xp + max(first - 1, (INDEX)0) * width;
        const SOURCE *lower = xp + (first ? first : (INDEX)1) * width;
        Lanes a = resample<false>(upper, own), b = resample<false>(lower, own);
        write_row(yp, a, b, first ? FAR : (REAL)0, upper, lower, own);
        if (first) {
            a = b;
            upper = lower;
        }
        yp += pitch;
        for (INDEX r = first + 1; r < stop; ++r, yp += 2 * pitch) {
            lower = upper + width;
            b = resample<false>(lower, own);
            Lanes p, q;
#pragma unroll
            for (int j = 0; j < LANES; ++j) {
                REAL difference = b.v[j] - a.v[j];
                p.v[j] = a.v[j] + NEAR * difference;
                q.v[j] = a.v[j] + FAR * difference;
            }
            if (CHECK && (odd(p) || odd(q))) {
                write_careful(yp, upper, lower, own, NEAR);
                write_careful(yp + pitch, upper, lower, own, FAR);
            } else {
                write(yp, p);
                write(yp + pitch, q);
            }
            a = b;
            upper = lower;
        }
        lower = xp + min(stop, height - 1) * width;
        b = resample<false>(lower, own);
        write_row(yp, a, b, NEAR, upper, lower, own);
    }
}
