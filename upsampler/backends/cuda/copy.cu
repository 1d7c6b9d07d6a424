// Items moved untouched: nearest neighbours and shuffles of pixels.
//
//     ITEM     an unsigned type of the items' size
//     LANES    items of the output that a thread writes at once: 16 bytes, or 1
//     FACTOR   of `enlarge`
//     INDEX    counts within a plane

// out[plane][row][column] = x[plane_at[plane] + row_at[row] + column_at[column]]
//
// The source of every rearrangement here is such a sum of one offset by axis.
extern "C" __global__ void __launch_bounds__(128, 1)
gather(const ITEM *__restrict__ x, ITEM *__restrict__ y, const i64 *__restrict__ plane_at,
       const i64 *__restrict__ row_at, const INDEX *__restrict__ column_at, i64 planes,
       INDEX rows, INDEX pitch, INDEX chunk)
{
    const INDEX vectors = pitch / LANES;
    const INDEX k = COLUMN;
    const INDEX part = k / vectors;
    const INDEX column = (k - part * vectors) * LANES;
    const INDEX first = part * chunk;
    if (first >= rows) return;
    const INDEX stop = min(first + chunk, rows);
    INDEX at[LANES];
#pragma unroll
    for (int j = 0; j < LANES; ++j) at[j] = column_at[column + j];

    for (i64 plane = PLANE; plane < planes; plane += PLANES) {
        const ITEM *xp = x + plane_at[plane];
        ITEM *yp = y + plane * rows * pitch + first * pitch + column;
        Vector<ITEM, LANES> items;
        i64 have = -1;
        for (INDEX r = first; r < stop; ++r, yp += pitch) {
            const i64 row = row_at[r];
            if (row != have) {
#pragma unroll
                for (int j = 0; j < LANES; ++j) items.v[j] = xp[row + at[j]];
                have = row;
            }
            store<ITEM, LANES>(yp, items);
        }
    }
}

// Every item becomes a block of FACTOR x FACTOR.
extern "C" __global__ void __launch_bounds__(128, 1)
enlarge(const ITEM *__restrict__ x, ITEM *__restrict__ y, i64 planes, INDEX height, INDEX width,
        INDEX chunk)
{
    constexpr int READ = LANES / FACTOR;
    const INDEX vectors = width / READ;
    const INDEX k = COLUMN;
    const INDEX part = k / vectors;
    const INDEX column = (k - part * vectors) * READ;
    const INDEX first = part * chunk;
    if (first >= height) return;
    const INDEX stop = min(first + chunk, height);
    const INDEX pitch = FACTOR * width;

    for (i64 plane = PLANE; plane < planes; plane += PLANES) {
        const ITEM *xp = x + plane * height * width + first * width + column;
        ITEM *yp = y + (plane * height + first) * FACTOR * pitch + FACTOR * column;
        for (INDEX r = first; r < stop; ++r, xp += width) {
            Vector<ITEM, READ> from = load<ITEM, READ>(xp);
            Vector<ITEM, LANES> items;
#pragma unroll
            for (int j = 0; j < LANES; ++j) items.v[j] = from.v[j / FACTOR];
#pragma unroll
            for (int f = 0; f < FACTOR; ++f, yp += pitch) store<ITEM, LANES>(yp, items);
        }
    }
}
