// Pooling.  Planes are (H, W, inner), contiguous.
//
//     ITEM, REAL   items and arithmetic
//     INDEX        counts within a plane, and of planes
//     LANES        items that a thread makes: neighbours in memory, or of neighbouring planes
//     VECTOR       they are neighbours in memory, 16 bytes, and aligned
//
// Sums go in the order of the CPU's loops.

struct Shape {
    INDEX planes;
    int large_h, large_w, small_h, small_w, inner;
    int kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
};

// A thread's items: the item of number k * LANES of (height, width, inner) of a plane, or the items
// of number k of LANES planes.
struct Item {
    int h, w, c;
    INDEX at;
    __device__ __forceinline__ Item(INDEX k, int width, int inner)
    {
        at = VECTOR ? k * LANES : k;
        const INDEX pixel = at / inner;
        c = (int)(at - pixel * inner);
        h = (int)(pixel / width);
        w = (int)(pixel - (INDEX)h * width);
    }
};

// So many items of a plane, and threads for them.
__device__ __forceinline__ INDEX items(int height, int width, int inner)
{
    return (INDEX)height * width * inner;
}

// Where the lanes are, in bytes: planes beyond the last are the last one.
template <class T> struct Step {
#if VECTOR
    __device__ __forceinline__ Step(i64, INDEX) {}
#else
    i64 at[LANES];
    __device__ __forceinline__ Step(i64 plane, INDEX left)
    {
#pragma unroll
        for (int j = 0; j < LANES; ++j) {
            at[j] = min((INDEX)j, left - 1) * plane * (i64)sizeof(T);
            if (j) keep(at[j]);
        }
    }
#endif
};

template <class T>
__device__ __forceinline__ Vector<T, LANES> fetch(const T *__restrict__ from, const Step<T> &to)
{
#if VECTOR
    return load<T, LANES>(from);
#else
    Vector<T, LANES> v;
#pragma unroll
    for (int j = 0; j < LANES; ++j) v.v[j] = *moved(from, to.at[j]);
    return v;
#endif
}

template <class T>
__device__ __forceinline__ void
put(T *at, const Step<T> &to, INDEX left, const Vector<T, LANES> &values)
{
#if VECTOR
    store<T, LANES>(at, values);
#else
#pragma unroll
    for (int j = 0; j < LANES; ++j)
        if (j < left) *const_cast<T *>(moved<T>(at, to.at[j])) = values.v[j];
#endif
}

// Which planes a thread has: LANES of them from `plane` on, of which `left` are there.
#define EACH_PLANE(planes)                                                                         \
    for (INDEX plane = PLANE * (VECTOR ? 1 : LANES), left = (planes) - plane; left > 0;            \
         plane += PLANES * (VECTOR ? 1 : LANES), left = (planes) - plane)

extern "C" __global__ void __launch_bounds__(128, 1)
average(const ITEM *__restrict__ x, ITEM *__restrict__ y, Shape s)
{
    const INDEX large = items(s.large_h, s.large_w, s.inner);
    const INDEX small = items(s.small_h, s.small_w, s.inner);
    const INDEX k = COLUMN;
    if (k >= small / (VECTOR ? LANES : 1)) return;
    const Item own(k, s.small_w, s.inner);
    const i64 top = (i64)own.h * s.stride_h - s.pad_h, left_w = (i64)own.w * s.stride_w - s.pad_w;
    const int i0 = (int)max(0ll, -top), i1 = (int)min((i64)s.kernel_h, s.large_h - top);
    const int j0 = (int)max(0ll, -left_w), j1 = (int)min((i64)s.kernel_w, s.large_w - left_w);
    const INDEX begin = ((INDEX)(top + i0) * s.large_w + (INDEX)(left_w + j0)) * s.inner + own.c;
    const REAL count = (REAL)((i64)s.kernel_h * s.kernel_w);
    EACH_PLANE(s.planes) {
        const Step<ITEM> to(large, left);
        const ITEM *row = x + (i64)plane * large + begin;
        REAL total[LANES] = {};
        for (int i = i0; i < i1; ++i, row += (INDEX)s.large_w * s.inner) {
            const ITEM *from = row;
            for (int j = j0; j < j1; ++j, from += s.inner) {
                const Vector<ITEM, LANES> v = fetch(from, to);
#pragma unroll
                for (int l = 0; l < LANES; ++l) total[l] = total[l] + to_real<REAL>(v.v[l]);
            }
        }
        Vector<ITEM, LANES> mean;
#pragma unroll
        for (int l = 0; l < LANES; ++l) mean.v[l] = to_item<ITEM>(total[l] / count);
        put(y + (i64)plane * small + own.at, Step<ITEM>(small, left), left, mean);
    }
}

// The first cell that reaches the padded place `at`.
__device__ __forceinline__ int first_cell(i64 at, int kernel, int stride)
{
    return at >= kernel ? (int)((at - kernel) / stride + 1) : 0;
}

extern "C" __global__ void __launch_bounds__(128, 1)
average_backward(const ITEM *__restrict__ grad, ITEM *__restrict__ y, Shape s)
{
    const INDEX large = items(s.large_h, s.large_w, s.inner);
    const INDEX small = items(s.small_h, s.small_w, s.inner);
    const INDEX k = COLUMN;
    if (k >= large / (VECTOR ? LANES : 1)) return;
    const Item own(k, s.large_w, s.inner);
    const i64 below = (i64)own.h + s.pad_h, right = (i64)own.w + s.pad_w;
    const int h0 = first_cell(below, s.kernel_h, s.stride_h);
    const int h1 = (int)min((i64)s.small_h, below / s.stride_h + 1);
    const int w0 = first_cell(right, s.kernel_w, s.stride_w);
    const int w1 = (int)min((i64)s.small_w, right / s.stride_w + 1);
    const INDEX begin = ((INDEX)h0 * s.small_w + w0) * s.inner + own.c;
    const REAL count = (REAL)((i64)s.kernel_h * s.kernel_w);
    EACH_PLANE(s.planes) {
        const Step<ITEM> to(small, left);
        const ITEM *row = grad + (i64)plane * small + begin;
        REAL total[LANES] = {};
        for (int h = h0; h < h1; ++h, row += (INDEX)s.small_w * s.inner) {
            const ITEM *from = row;
            for (int w = w0; w < w1; ++w, from += s.inner) {
                const Vector<ITEM, LANES> v = fetch(from, to);
#pragma unroll
                for (int l = 0; l < LANES; ++l) total[l] = total[l] + to_real<REAL>(v.v[l]) / count;
            }
        }
        Vector<ITEM, LANES> sum;
#pragma unroll
        for (int l = 0; l < LANES; ++l) sum.v[l] = to_item<ITEM>(total[l]);
        put(y + (i64)plane * large + own.at, Step<ITEM>(large, left), left, sum);
    }
}

// Half types are compared as numbers, all others as they are.
template <class T> __device__ __forceinline__ T comparable(T v) { return v; }
__device__ __forceinline__ f32 comparable(f16 v) { return to_real<f32>(v); }
__device__ __forceinline__ f32 comparable(bf16 v) { return to_real<f32>(v); }

// The first of equals; a NaN wins over numbers, and a later NaN over a NaN.  `indices` may be
// null.
extern "C" __global__ void __launch_bounds__(128, 1)
maximum(const ITEM *__restrict__ x, ITEM *__restrict__ y, i64 *__restrict__ indices, Shape s)
{
    const INDEX large = items(s.large_h, s.large_w, s.inner);
    const INDEX small = items(s.small_h, s.small_w, s.inner);
    const INDEX k = COLUMN;
    if (k >= small / (VECTOR ? LANES : 1)) return;
    const Item own(k, s.small_w, s.inner);
    const i64 top = (i64)own.h * s.stride_h - s.pad_h, left_w = (i64)own.w * s.stride_w - s.pad_w;
    const int i0 = (int)max(0ll, -top), i1 = (int)min((i64)s.kernel_h, s.large_h - top);
    const int j0 = (int)max(0ll, -left_w), j1 = (int)min((i64)s.kernel_w, s.large_w - left_w);
    const INDEX place = (INDEX)(top + i0) * s.large_w + (INDEX)(left_w + j0);
    EACH_PLANE(s.planes) {
        const Step<ITEM> to(large, left);
        const ITEM *row = x + (i64)plane * large + (place * s.inner + own.c);
        Vector<ITEM, LANES> best = {};
        INDEX found[LANES], at = place;
#pragma unroll
        for (int l = 0; l < LANES; ++l) found[l] = -1;
        for (int i = i0; i < i1; ++i, row += (INDEX)s.large_w * s.inner, at += s.large_w) {
            const ITEM *from = row;
            for (int j = j0; j < j1; ++j, from += s.inner) {
                const Vector<ITEM, LANES> v = fetch(from, to);
#pragma unroll
                for (int l = 0; l < LANES; ++l) {
                    const auto one = comparable(v.v[l]);
                    if (found[l] < 0 || one > comparable(best.v[l]) || one != one) {
                        best.v[l] = v.v[l];
                        found[l] = at + (j - j0);
                    }
                }
            }
        }
        put(y + (i64)plane * small + own.at, Step<ITEM>(small, left), left, best);
        if (indices) {
            Vector<i64, LANES> places;
#pragma unroll
            for (int l = 0; l < LANES; ++l) places.v[l] = found[l];
            put(indices + (i64)plane * small + own.at, Step<i64>(small, left), left, places);
        }
    }
}
