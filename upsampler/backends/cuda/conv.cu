// Convolutions: what meets at a place is listed by tables, one for each axis.
//
//     SOURCE, TARGET, REAL   items read, items written, arithmetic
//     INDEX                  places within a sample, and offsets of them
//     LANES                  channels that a thread makes
//     VECTOR                 lanes lie side by side in memory, aligned, and are 16 bytes
//     OWN                    a lane reads the channel of its own number; else lanes share all
//                            channels of their group
//     WEIGHTED               what is read is multiplied, not only summed
//
// Arrays have any strides: a host tells them.  Along an axis the places o of the output have the
// entries first[o] to first[o + 1]: offsets of what meets there.  Everything gathers, in one order,
// so that results do not depend on the order of threads.

// Of a place, its number taken apart along the three axes.
struct Place {
    INDEX d, h, w;
    __device__ __forceinline__ Place(INDEX k, INDEX height, INDEX width)
    {
        const INDEX row = k / width;
        w = k - row * width;
        d = row / height;
        h = row - d * height;
    }
};

// The channels of a thread: from `first` on, of the group; `left` of them are there.
struct Channels {
    int first, group, within, left;
    __device__ __forceinline__ Channels(int block, int channels, int group_size)
    {
        const int blocks = (group_size + LANES - 1) / LANES;
        group = block / blocks;
        within = (block - group * blocks) * LANES;
        first = group * group_size + within;
        left = min(group_size - within, channels - first);
    }
};

typedef Vector<REAL, LANES> Lanes;

// Where lanes are, in bytes.  Those that are not there read what the last one reads, and are not
// written.
template <class T> struct Step {
#if VECTOR
    __device__ __forceinline__ Step(i64, int) {}
#else
    i64 at[LANES];
    __device__ __forceinline__ Step(i64 step, int left)
    {
#pragma unroll
        for (int j = 0; j < LANES; ++j) {
            at[j] = min(j, left - 1) * step * (i64)sizeof(T);
            if (j) keep(at[j]);
        }
    }
#endif
};

template <class T>
__device__ __forceinline__ Lanes fetch(const T *__restrict__ from, const Step<T> &to)
{
    Lanes v;
#if VECTOR
    Vector<T, LANES> items = load<T, LANES>(from);
#pragma unroll
    for (int j = 0; j < LANES; ++j) v.v[j] = to_real<REAL>(items.v[j]);
#else
#pragma unroll
    for (int j = 0; j < LANES; ++j) v.v[j] = to_real<REAL>(*moved(from, to.at[j]));
#endif
    return v;
}

template <class T>
__device__ __forceinline__ void put(T *at, const Step<T> &to, int left, const Lanes &values)
{
#if VECTOR
    Vector<T, LANES> items;
#pragma unroll
    for (int j = 0; j < LANES; ++j) items.v[j] = to_item<T>(values.v[j]);
    store<T, LANES>(at, items);
#else
#pragma unroll
    for (int j = 0; j < LANES; ++j)
        if (j < left) *const_cast<T *>(moved<T>(at, to.at[j])) = to_item<T>(values.v[j]);
#endif
}

__device__ __forceinline__ bool finite(const Lanes &v)
{
    bool all = true;
#pragma unroll
    for (int j = 0; j < LANES; ++j) all = all && finite(v.v[j]);
    return all;
}

// --- sums of what meets -----------------------------------------------------------------------

// Strides in items: of a sample, a channel, the three axes.  The places are so many from `begin` on.
// `across` blocks of channels lie side by side in the grid, `down` behind each other; `work` counts
// those of all samples.
struct Meeting {
    i64 x_sample, x_channel, y_sample, y_channel, made_sample, made_channel;
    i64 weight_group, weight_inner, weight_channel;
    i64 made_place;
    INDEX y_d, y_h, y_w, height, width, begin, places, work;
    int across, down, channels, group_size, inner;
};

// y[n][c][place] = bias[c] + the sum over what meets at the place, and over the channels of the
// group, of x times weight.  Where `made` is given it has these sums already, by a product of
// matrices, which multiplies zeros where nothing meets: what is not finite is summed anew.
extern "C" __global__ void __launch_bounds__(128, 1)
meet(const SOURCE *__restrict__ x, const REAL *__restrict__ weight, const REAL *__restrict__ bias,
     const REAL *__restrict__ made, TARGET *__restrict__ y, const INDEX *__restrict__ d_first,
     const INDEX *__restrict__ d_x, const INDEX *__restrict__ d_weight,
     const INDEX *__restrict__ h_first, const INDEX *__restrict__ h_x,
     const INDEX *__restrict__ h_weight, const INDEX *__restrict__ w_first,
     const INDEX *__restrict__ w_x, const INDEX *__restrict__ w_weight, Meeting m)
{
    const INDEX k = COLUMN;
    const INDEX place = k / m.across;
    if (place >= m.places) return;
    const int beside = (int)(k - place * m.across);
    const Place own(m.begin + place, m.height, m.width);
    const INDEX d0 = d_first[own.d], d1 = d_first[own.d + 1];
    const INDEX h0 = h_first[own.h], h1 = h_first[own.h + 1];
    const INDEX w0 = w_first[own.w], w1 = w_first[own.w + 1];
    const i64 at = (i64)own.d * m.y_d + own.h * m.y_h + own.w * m.y_w;
    for (INDEX q = PLANE; q < m.work; q += PLANES) {
        const INDEX n = q / m.down;
        const Channels c((int)(q - n * m.down) * m.across + beside, m.channels, m.group_size);
        TARGET *to = y + n * m.y_sample + c.first * m.y_channel + at;
        const Step<TARGET> y_step(m.y_channel, c.left);
        Lanes total;
        if (made) {
            const REAL *ready = made + n * m.made_sample + c.first * m.made_channel
                + place * m.made_place;
            total = fetch(ready, Step<REAL>(m.made_channel, c.left));
            if (finite(total)) {
                put(to, y_step, c.left, total);
                continue;
            }
        }
        const Step<REAL> weight_step(m.weight_channel, c.left);
        Lanes sum;
#pragma unroll
        for (int j = 0; j < LANES; ++j) sum.v[j] = bias ? bias[c.first + min(j, c.left - 1)] : 0;
#if OWN
        const Step<SOURCE> x_step(m.x_channel, c.left);
        const SOURCE *from = x + n * m.x_sample + c.first * m.x_channel;
        const REAL *taps = weight + c.first * m.weight_channel;
#else
        const SOURCE *from = x + n * m.x_sample + (i64)c.group * m.inner * m.x_channel;
        const REAL *taps = weight + c.group * m.weight_group + c.within * m.weight_channel;
#endif
        for (INDEX a = d0; a < d1; ++a)
            for (INDEX b = h0; b < h1; ++b) {
                const SOURCE *row = from + (d_x[a] + h_x[b]);
                const REAL *tap = taps + (WEIGHTED ? d_weight[a] + h_weight[b] : 0);
                for (INDEX e = w0; e < w1; ++e) {
                    const SOURCE *v = row + w_x[e];
                    const REAL *w = tap + (WEIGHTED ? w_weight[e] : 0);
#if OWN
                    const Lanes here = fetch(v, x_step);
                    Lanes by;
                    if (WEIGHTED) by = fetch(w, weight_step);
#pragma unroll
                    for (int j = 0; j < LANES; ++j)
                        sum.v[j] = WEIGHTED ? fma(by.v[j], here.v[j], sum.v[j])
                                            : sum.v[j] + here.v[j];
#else
                    for (int i = 0; i < m.inner; ++i, v += m.x_channel, w += m.weight_inner) {
                        const REAL here = to_real<REAL>(*v);
                        const Lanes by = fetch(w, weight_step);
#pragma unroll
                        for (int j = 0; j < LANES; ++j) sum.v[j] = fma(by.v[j], here, sum.v[j]);
                    }
#endif
                }
            }
        if (made) {
#pragma unroll
            for (int j = 0; j < LANES; ++j)
                if (finite(total.v[j])) sum.v[j] = total.v[j];
        }
        put(to, y_step, c.left, sum);
    }
}

// --- what taps see ----------------------------------------------------------------------------

// An offset that says that a tap sees nothing.
#define NOTHING ((INDEX)((INDEX)1 << (8 * sizeof(INDEX) - 1)))

struct Spread {
    i64 grad_sample, grad_channel, to_channel, to_tap, to_place;
    INDEX begin, count, places, depth, height, width;
    int d_taps, h_taps, w_taps, across, down, channels;
};

// What every tap of every place sees of a gradient of the output, 0 where it sees nothing; of the
// places from `begin` on, those of one sample behind those of another.  `at` of an axis is
// [tap][place].
extern "C" __global__ void __launch_bounds__(128, 1)
spread(const SOURCE *__restrict__ grad, TARGET *__restrict__ columns,
       const INDEX *__restrict__ d_at, const INDEX *__restrict__ h_at,
       const INDEX *__restrict__ w_at, Spread s)
{
    const INDEX k = COLUMN;
    const INDEX place = k / s.across;
    if (place >= s.count) return;
    const int beside = (int)(k - place * s.across);
    const INDEX n = (s.begin + place) / s.places;
    const Place own(s.begin + place - n * s.places, s.height, s.width);
    for (int q = PLANE; q < s.down; q += PLANES) {
        const Channels c(q * s.across + beside, s.channels, s.channels);
        const SOURCE *from = grad + n * s.grad_sample + c.first * s.grad_channel;
        TARGET *to = columns + c.first * s.to_channel + place * s.to_place;
        const Step<SOURCE> grad_step(s.grad_channel, c.left);
        const Step<TARGET> to_step(s.to_channel, c.left);
        for (int a = 0; a < s.d_taps; ++a)
            for (int b = 0; b < s.h_taps; ++b) {
                const INDEX d = d_at[a * s.depth + own.d], h = h_at[b * s.height + own.h];
                for (int e = 0; e < s.w_taps; ++e, to += s.to_tap) {
                    const INDEX w = w_at[e * s.width + own.w];
                    Lanes seen = {};
                    if (d != NOTHING && h != NOTHING && w != NOTHING)
                        seen = fetch(from + (d + h + w), grad_step);
                    put(to, to_step, c.left, seen);
                }
            }
    }
}

// --- gradients of weights ---------------------------------------------------------------------

// `parts` threads share the places of all samples, each takes every so many, which are `step_w`,
// `step_h`, `step_d` and `step_n` further.
struct Sums {
    i64 x_sample, x_channel, grad_sample, grad_channel;
    i64 to_part, to_channel, to_inner, to_tap;
    INDEX x_d, x_h, x_w, depth, height, width, samples, parts;
    INDEX step_n, step_d, step_h, step_w;
    int d_taps, h_taps, w_taps, across, down, channels, group_size, inner;
};

// to[part][tap][inner][channel]: the sum over the places of a part of x, of the inner channel, times
// what the tap sees of the gradient there; where `x` is null, of the gradient alone.
extern "C" __global__ void __launch_bounds__(128, 1)
sums(const SOURCE *__restrict__ x, const SOURCE *__restrict__ grad, REAL *__restrict__ to,
     const INDEX *__restrict__ d_at, const INDEX *__restrict__ h_at,
     const INDEX *__restrict__ w_at, Sums s)
{
    const INDEX k = COLUMN;
    const INDEX part = k / s.across;
    if (part >= s.parts) return;
    const int beside = (int)(k - part * s.across);
    const int inner = OWN ? 1 : s.inner, taps = s.d_taps * s.h_taps * s.w_taps;
    for (int q = PLANE; q < taps * inner * s.down; q += PLANES) {
        const int item = q / s.down, tap = item / inner, i = item - tap * inner;
        const Channels c((q - item * s.down) * s.across + beside, s.channels, s.group_size);
        const Place which(tap, s.h_taps, s.w_taps);
        const INDEX *d_own = d_at + which.d * s.depth, *h_own = h_at + which.h * s.height;
        const INDEX *w_own = w_at + which.w * s.width;
        const SOURCE *seen = grad + c.first * s.grad_channel;
        const Step<SOURCE> grad_step(s.grad_channel, c.left), x_step(s.x_channel, c.left);
        const SOURCE *from = x + (OWN ? c.first : (i64)c.group * inner + i) * s.x_channel;
        Place own(part, s.height, s.width);
        INDEX n = own.d / s.depth;
        own.d -= n * s.depth;
        Lanes sum = {};
        while (n < s.samples) {
            const INDEX d = d_own[own.d], h = h_own[own.h], w = w_own[own.w];
            if (d != NOTHING && h != NOTHING && w != NOTHING) {
                const Lanes g = fetch(seen + n * s.grad_sample + (d + h + w), grad_step);
                Lanes here;
                if (x) {
                    const SOURCE *v = from + n * s.x_sample
                        + ((i64)own.d * s.x_d + own.h * s.x_h + own.w * s.x_w);
#if OWN
                    here = fetch(v, x_step);
#else
                    here.v[0] = to_real<REAL>(*v);
#endif
                }
#pragma unroll
                for (int j = 0; j < LANES; ++j)
                    sum.v[j] = x ? fma(here.v[OWN ? j : 0], g.v[j], sum.v[j]) : sum.v[j] + g.v[j];
            }
            own.w += s.step_w;
            own.h += s.step_h;
            own.d += s.step_d;
            n += s.step_n;
            if (own.w >= s.width) {
                own.w -= s.width;
                ++own.h;
            }
            if (own.h >= s.height) {
                own.h -= s.height;
                ++own.d;
            }
            if (own.d >= s.depth) {
                own.d -= s.depth;
                ++n;
            }
        }
        put(to + part * s.to_part + tap * s.to_tap + i * s.to_inner + c.first * s.to_channel,
            Step<REAL>(s.to_channel, c.left), c.left, sum);
    }
}
