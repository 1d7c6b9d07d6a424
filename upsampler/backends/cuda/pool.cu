// Pooling, and moving values by the indices of maxima.  Planes are (H, W, inner), contiguous.
//
//     ITEM, REAL   items and arithmetic
//
// A thread makes one item; sums go in the order of the CPU's loops.

struct Shape {
    i64 planes;
    int large_h, large_w, small_h, small_w, inner;
    int kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
};

// Which item of which plane a thread has: the item number `k` of (height, width, inner).
struct Item {
    int h, w, c;
    __device__ Item(i64 k, int width, int inner)
    {
        i64 pixel = k / inner;
        c = (int)(k - pixel * inner);
        h = (int)(pixel / width);
        w = (int)(pixel - (i64)h * width);
    }
};

__device__ __forceinline__ i64 place(int h, int w, int c, int width, int inner)
{
    return ((i64)h * width + w) * inner + c;
}

#define THREAD ((i64)blockIdx.x * blockDim.x + threadIdx.x)

extern "C" __global__ void __launch_bounds__(128, 1)
average(const ITEM *__restrict__ x, ITEM *__restrict__ y, Shape s)
{
    const i64 k = THREAD, large = (i64)s.large_h * s.large_w * s.inner;
    const i64 small = (i64)s.small_h * s.small_w * s.inner;
    if (k >= small) return;
    const Item own(k, s.small_w, s.inner);
    const i64 top = (i64)own.h * s.stride_h - s.pad_h, left = (i64)own.w * s.stride_w - s.pad_w;
    const int i0 = (int)max(0ll, -top), i1 = (int)min((i64)s.kernel_h, s.large_h - top);
    const int j0 = (int)max(0ll, -left), j1 = (int)min((i64)s.kernel_w, s.large_w - left);
    const REAL count = (REAL)((i64)s.kernel_h * s.kernel_w);
    for (i64 plane = PLANE; plane < s.planes; plane += PLANES) {
        const ITEM *xp = x + plane * large;
        REAL total = 0;
        for (int i = i0; i < i1; ++i)
            for (int j = j0; j < j1; ++j)
                total = total + to_real<REAL>(
                    xp[place((int)(top + i), (int)(left + j), own.c, s.large_w, s.inner)]);
        y[plane * small + k] = to_item<ITEM>(total / count);
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
    const i64 k = THREAD, large = (i64)s.large_h * s.large_w * s.inner;
    const i64 small = (i64)s.small_h * s.small_w * s.inner;
    if (k >= large) return;
    const Item own(k, s.large_w, s.inner);
    const i64 below = (i64)own.h + s.pad_h, right = (i64)own.w + s.pad_w;
    const int h0 = first_cell(below, s.kernel_h, s.stride_h);
    const int h1 = (int)min((i64)s.small_h, below / s.stride_h + 1);
    const int w0 = first_cell(right, s.kernel_w, s.stride_w);
    const int w1 = (int)min((i64)s.small_w, right / s.stride_w + 1);
    const REAL count = (REAL)((i64)s.kernel_h * s.kernel_w);
    for (i64 plane = PLANE; plane < s.planes; plane += PLANES) {
        const ITEM *gp = grad + plane * small;
        REAL total = 0;
        for (int h = h0; h < h1; ++h)
            for (int w = w0; w < w1; ++w)
                total = total
                    + to_real<REAL>(gp[place(h, w, own.c, s.small_w, s.inner)]) / count;
        y[plane * large + k] = to_item<ITEM>(total);
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
    const i64 k = THREAD, large = (i64)s.large_h * s.large_w * s.inner;
    const i64 small = (i64)s.small_h * s.small_w * s.inner;
    if (k >= small) return;
    const Item own(k, s.small_w, s.inner);
    const i64 top = (i64)own.h * s.stride_h - s.pad_h, left = (i64)own.w * s.stride_w - s.pad_w;
    const int i0 = (int)max(0ll, -top), i1 = (int)min((i64)s.kernel_h, s.large_h - top);
    const int j0 = (int)max(0ll, -left), j1 = (int)min((i64)s.kernel_w, s.large_w - left);
    for (i64 plane = PLANE; plane < s.planes; plane += PLANES) {
        const ITEM *xp = x + plane * large;
        i64 found = -1;
        ITEM best = {};
        for (int i = i0; i < i1; ++i)
            for (int j = j0; j < j1; ++j) {
                const int h = (int)(top + i), w = (int)(left + j);
                const ITEM item = xp[place(h, w, own.c, s.large_w, s.inner)];
                const auto v = comparable(item);
                if (found < 0 || v > comparable(best) || v != v) {
                    best = item;
                    found = (i64)h * s.large_w + w;
                }
            }
        y[plane * small + k] = best;
        if (indices) indices[plane * small + k] = found;
    }
}

// The values at the places: the gradient of unpooling.
extern "C" __global__ void __launch_bounds__(128, 1)
pick(const ITEM *__restrict__ x, const i64 *__restrict__ indices, ITEM *__restrict__ y, Shape s)
{
    const i64 k = THREAD, large = (i64)s.large_h * s.large_w * s.inner;
    const i64 small = (i64)s.small_h * s.small_w * s.inner;
    if (k >= small) return;
    for (i64 plane = PLANE; plane < s.planes; plane += PLANES)
        y[plane * small + k] = x[plane * large + indices[plane * small + k] * s.inner + k % s.inner];
}

// Moving values to their places is turned round, so that no two threads write to one place and
// sums have one order: each place looks for its values.  It passes over runs of RUN cells whose
// indices, as the least and the greatest tell, cannot be its own; those of a pooling lie close
// together.
#define RUN 32

extern "C" __global__ void __launch_bounds__(128, 1)
bounds(const i64 *__restrict__ indices, i64 *__restrict__ least, i64 *__restrict__ greatest,
       Shape s)
{
    const i64 cells = (i64)s.small_h * s.small_w, runs = (cells + RUN - 1) / RUN;
    const i64 k = THREAD;
    if (k >= runs * s.inner) return;
    const i64 run = k / s.inner, c = k - run * s.inner;
    for (i64 plane = PLANE; plane < s.planes; plane += PLANES) {
        const i64 *from = indices + plane * cells * s.inner + c;
        i64 low = from[run * RUN * s.inner], high = low;
        for (i64 cell = run * RUN; cell < min(cells, (run + 1) * RUN); ++cell) {
            low = min(low, from[cell * s.inner]);
            high = max(high, from[cell * s.inner]);
        }
        least[plane * runs * s.inner + k] = low;
        greatest[plane * runs * s.inner + k] = high;
    }
}

// With `add` the sum of the values of a place, in the order of the cells; else the last one.
extern "C" __global__ void __launch_bounds__(128, 1)
collect(const ITEM *__restrict__ x, const i64 *__restrict__ indices,
        const i64 *__restrict__ least, const i64 *__restrict__ greatest, ITEM *__restrict__ y,
        Shape s, int add)
{
    const i64 cells = (i64)s.small_h * s.small_w, runs = (cells + RUN - 1) / RUN;
    const i64 k = THREAD, large = (i64)s.large_h * s.large_w * s.inner;
    if (k >= large) return;
    const i64 own = k / s.inner, c = k - own * s.inner;
    for (i64 plane = PLANE; plane < s.planes; plane += PLANES) {
        const i64 first = plane * cells * s.inner + c;
        REAL total = 0;
        ITEM last = {};
        for (i64 run = 0; run < runs; ++run) {
            const i64 at = (plane * runs + run) * s.inner + c;
            if (own < least[at] || own > greatest[at]) continue;
            for (i64 cell = run * RUN; cell < min(cells, (run + 1) * RUN); ++cell) {
                if (indices[first + cell * s.inner] != own) continue;
                last = x[first + cell * s.inner];
                total = total + to_real<REAL>(last);
            }
        }
        y[plane * large + k] = add ? to_item<ITEM>(total) : last;
    }
}
