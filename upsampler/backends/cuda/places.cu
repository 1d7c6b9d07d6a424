// Moving values by the indices of maxima: unpooling, and gradients of both.
//
//     ITEM, REAL   items and arithmetic
//     INDEX        counts within a plane, and of planes
//
// Planes are (H, W, inner), contiguous; those of cells are small, those of places are large.

struct Sides {
    INDEX planes;
    int large_h, large_w, small_h, small_w, inner, step_h, step_w;
};

__device__ __forceinline__ INDEX items(int height, int width, int inner)
{
    return (INDEX)height * width * inner;
}

// The values at the places: the gradient of unpooling.
extern "C" __global__ void __launch_bounds__(128, 1)
pick(const ITEM *__restrict__ x, const i64 *__restrict__ indices, ITEM *__restrict__ y, Sides s)
{
    const INDEX large = items(s.large_h, s.large_w, s.inner);
    const INDEX small = items(s.small_h, s.small_w, s.inner);
    const INDEX k = COLUMN;
    if (k >= small) return;
    const INDEX c = k % s.inner;
    for (INDEX plane = PLANE; plane < s.planes; plane += PLANES) {
        const i64 at = (i64)plane * small + k;
        y[at] = x[(i64)plane * large + indices[at] * s.inner + c];
    }
}

// Moving values to their places is turned round, so that no two threads write to one place and
// sums have one order: each place looks for its values.  Cells of a pooling point near to where
// they lie, a step apart: a box around how far they point, of the cells of a row and of a plane,
// leaves few that may mean a place.  Any other indices are found as well, after a longer search.
#define RUN 16

struct alignas(16) Box { INDEX top, bottom, left, right; };

__device__ __forceinline__ Box around(const Box &a, const Box &b)
{
    return {min(a.top, b.top), max(a.bottom, b.bottom), min(a.left, b.left), max(a.right, b.right)};
}

// How far the cells of runs of RUN point beyond (h * step_h, w * step_w); (small_h, runs, inner).
extern "C" __global__ void __launch_bounds__(128, 1)
bounds(const i64 *__restrict__ indices, Box *__restrict__ boxes, Sides s)
{
    const INDEX small = items(s.small_h, s.small_w, s.inner);
    const int runs = (s.small_w + RUN - 1) / RUN;
    const INDEX count = items(s.small_h, runs, s.inner);
    const INDEX k = COLUMN;
    if (k >= count) return;
    const INDEX run = k / s.inner;
    const int c = (int)(k - run * s.inner), h = (int)(run / runs), first = (run - h * runs) * RUN;
    const int stop = min(first + RUN, s.small_w);
    for (INDEX plane = PLANE; plane < s.planes; plane += PLANES) {
        const i64 *from = indices + (i64)plane * small + ((INDEX)h * s.small_w + first) * s.inner + c;
        Box box;
        for (int w = first; w < stop; ++w, from += s.inner) {
            const INDEX place = (INDEX)*from, row = place / s.large_w;
            const INDEX down = row - (INDEX)h * s.step_h;
            const INDEX across = place - row * s.large_w - (INDEX)w * s.step_w;
            const Box own = {down, down, across, across};
            box = w == first ? own : around(box, own);
        }
        boxes[(i64)plane * count + k] = box;
    }
}

// A box around each `many` boxes of (count, inner).
extern "C" __global__ void __launch_bounds__(128, 1)
join(const Box *__restrict__ boxes, Box *__restrict__ joined, INDEX planes, INDEX count, int inner,
     int many)
{
    const INDEX groups = (count + many - 1) / many;
    const INDEX k = COLUMN;
    if (k >= groups * inner) return;
    const INDEX group = k / inner;
    const INDEX first = group * many, stop = min(first + many, count);
    for (INDEX plane = PLANE; plane < planes; plane += PLANES) {
        const Box *from = boxes + ((i64)plane * count + first) * inner + (k - group * inner);
        Box box = *from;
        for (INDEX i = first + 1; i < stop; ++i) {
            from += inner;
            box = around(box, *from);
        }
        joined[(i64)plane * groups * inner + k] = box;
    }
}

// The cells from which `place` is not less than `low` and not more than `high` beyond.
struct Cells {
    int first, stop;
    __device__ __forceinline__ Cells(int place, INDEX low, INDEX high, int step, int count)
    {
        first = place > high ? (int)min((INDEX)count, (place - high + step - 1) / step) : 0;
        stop = place < low ? 0 : (int)min((INDEX)count, (place - low) / step + 1);
    }
};

// With `add` the sum of the values of a place, in the order of the cells; else the last one.
extern "C" __global__ void __launch_bounds__(128, 1)
collect(const ITEM *__restrict__ x, const i64 *__restrict__ indices, const Box *__restrict__ rows,
        const Box *__restrict__ all, ITEM *__restrict__ y, Sides s, int add)
{
    const INDEX large = items(s.large_h, s.large_w, s.inner);
    const INDEX small = items(s.small_h, s.small_w, s.inner);
    const INDEX k = COLUMN;
    if (k >= large) return;
    const INDEX place = k / s.inner;
    const int c = (int)(k - place * s.inner);
    const int h = (int)(place / s.large_w), w = (int)(place - (INDEX)h * s.large_w);
    for (INDEX plane = PLANE; plane < s.planes; plane += PLANES) {
        const Box every = all[(i64)plane * s.inner + c];
        const Cells down(h, every.top, every.bottom, s.step_h, s.small_h);
        REAL total = 0;
        ITEM last = {};
        for (int i = down.first; i < down.stop; ++i) {
            const Box row = rows[((i64)plane * s.small_h + i) * s.inner + c];
            const INDEX beyond = h - (INDEX)i * s.step_h;
            if (beyond < row.top || beyond > row.bottom) continue;
            const Cells across(w, row.left, row.right, s.step_w, s.small_w);
            i64 at = (i64)plane * small + ((INDEX)i * s.small_w + across.first) * s.inner + c;
            for (int j = across.first; j < across.stop; ++j, at += s.inner) {
                if (indices[at] != place) continue;
                last = x[at];
                total = total + to_real<REAL>(last);
            }
        }
        y[(i64)plane * large + k] = add ? to_item<ITEM>(total) : last;
    }
}
