// The gradient of bilinear by two along both axes (linear2x.cu): constant weights, no tables, and
// no intermediate result in memory.
//
//     ITEM, REAL   items and arithmetic
//     LANES        items that a thread makes of each row: 16 bytes
//     TOGETHER     a pixel has multiples of LANES channels; else lanes are neighbouring columns
//     INDEX        as in march.cu
//
// Sample g of an axis was used by the outputs 2g - 1 to 2g + 2, with weights of 1/4, 3/4, 3/4, 1/4;
// at the border, whose value goes on outwards, the outermost output has the weight 1 and nothing
// lies beyond.  In the order of the CPU's loops: along the rows first, sums from left to right.

#define NEAR ((REAL)0.25)
#define FAR ((REAL)0.75)
#if TOGETHER
#define COLUMNS 4  // of the gradient that a thread reads, each of LANES channels
#define WIDE LANES
#else
#define COLUMNS (2 * LANES + 2)
#define WIDE 1
#endif

struct Seen { REAL v[COLUMNS][WIDE]; };

// Where a thread reads: the columns from `before` on; those at either end stay within the row.
struct Place {
    INDEX before, at, after, step;
    bool first, last;  // whether nothing lies before, or behind
};

__device__ __forceinline__ Seen read(const ITEM *__restrict__ row, const Place &own)
{
    Seen s;
#if TOGETHER
    const INDEX from[] = {own.before, own.at, own.at + own.step, own.after};
#pragma unroll
    for (int i = 0; i < COLUMNS; ++i) {
        const Vector<ITEM, LANES> items = load<ITEM, LANES>(row + from[i]);
#pragma unroll
        for (int j = 0; j < LANES; ++j) s.v[i][j] = to_real<REAL>(items.v[j]);
    }
#else
    s.v[0][0] = to_real<REAL>(row[own.before]);
    s.v[COLUMNS - 1][0] = to_real<REAL>(row[own.after]);
    const Vector<ITEM, 2 * LANES> items = load<ITEM, 2 * LANES>(row + own.at);
#pragma unroll
    for (int j = 0; j < 2 * LANES; ++j) s.v[j + 1][0] = to_real<REAL>(items.v[j]);
#endif
    return s;
}

// The sum of four values, of which `a` or `d` may lie outside: then `b` or `c` is the border.
__device__ __forceinline__ REAL sum(REAL a, REAL b, REAL c, REAL d, bool first, bool last)
{
    REAL v = first ? b : NEAR * a + FAR * b;
    v = v + (last ? c : FAR * c);
    return last ? v : v + NEAR * d;
}

__device__ __forceinline__ void write(ITEM *to, const Seen &s, const Place &own)
{
    Vector<ITEM, LANES> items;
#pragma unroll
    for (int j = 0; j < LANES; ++j)
        items.v[j] = to_item<ITEM>(
            TOGETHER ? sum(s.v[0][j % WIDE], s.v[1][j % WIDE], s.v[2][j % WIDE], s.v[3][j % WIDE],
                           own.first, own.last)
                     : sum(s.v[(2 * j) % COLUMNS][0], s.v[(2 * j + 1) % COLUMNS][0],
                           s.v[(2 * j + 2) % COLUMNS][0], s.v[(2 * j + 3) % COLUMNS][0],
                           own.first && j == 0, own.last && j == LANES - 1));
    store<ITEM, LANES>(to, items);
}

// Planes are (2 * height, 2 * width, inner) of the gradient and (height, width, inner).
extern "C" __global__ void __launch_bounds__(128, 1)
halve(const ITEM *__restrict__ grad, ITEM *__restrict__ y, i64 planes, INDEX height, INDEX width,
      INDEX inner, INDEX chunk)
{
    const INDEX pitch = width * inner, vectors = pitch / LANES;
    const INDEX k = COLUMN;
    const INDEX part = k / vectors;
    const INDEX to = (k - part * vectors) * LANES;
    const INDEX start = part * chunk;
    if (start >= height) return;
    const INDEX stop = min(start + chunk, height);
    Place own;
#if TOGETHER
    const INDEX column = to / inner;
    own.step = inner;
    own.at = to + column * inner;  // (2 * column, channel)
    own.first = column == 0;
    own.last = column == width - 1;
    own.before = own.first ? own.at : own.at - inner;
    own.after = own.last ? own.at : own.at + 2 * inner;
#else
    own.step = 1;
    own.at = 2 * to;
    own.first = to == 0;
    own.last = to + LANES == width;
    own.before = own.first ? own.at : own.at - 1;
    own.after = own.last ? own.at : own.at + 2 * LANES;
#endif

    for (i64 plane = PLANE; plane < planes; plane += PLANES) {
        const ITEM *from = grad + plane * (2 * height) * (2 * pitch) + 2 * start * (2 * pitch);
        ITEM *yp = y + plane * height * pitch + start * pitch + to;
        // What the first two of four rows add up to.
        Seen half = read(from, own);
        if (start) {
            const Seen above = read(from - 2 * pitch, own);
#pragma unroll
            for (int i = 0; i < COLUMNS; ++i)
#pragma unroll
                for (int j = 0; j < WIDE; ++j)
                    half.v[i][j] = NEAR * above.v[i][j] + FAR * half.v[i][j];
        }
        for (INDEX r = start; r < stop; ++r, yp += pitch) {
            from += 2 * pitch;
            const bool last = r == height - 1;
            const Seen c = read(from, own);
            if (!last) from += 2 * pitch;
            const Seen d = read(from, own);
            Seen s;
#pragma unroll
            for (int i = 0; i < COLUMNS; ++i)
#pragma unroll
                for (int j = 0; j < WIDE; ++j) {
                    const REAL a = c.v[i][j], b = d.v[i][j];
                    const REAL v = half.v[i][j] + (last ? a : FAR * a);
                    s.v[i][j] = last ? v : v + NEAR * b;
                    half.v[i][j] = NEAR * a + FAR * b;
                }
            write(yp, s, own);
        }
    }
}
