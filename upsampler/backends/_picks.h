/* Nearest: rows put together from pieces of another, and stored as often as they repeat.
 *
 * Words of four bytes are taken by a shuffle of a whole register, other items as bytes of sixteen;
 * what a register of the result is made of lies within that.  Nothing is computed.
 */
#ifndef UPSAMPLER_PICKS_H
#define UPSAMPLER_PICKS_H

#include "_steps.h"

typedef struct {
    const int32_t *base;    /* by group (by half a group where bytes are picked), in bytes */
    const int32_t *pattern; /* by group */
    const uint8_t *order;   /* by pattern: a place for each word or byte of a group */
    int words;              /* words are picked, else bytes */
} picks_t;

#if UPSAMPLER_LANES
enum { PICKED_BYTES = 32 };

/* Bytes of a group. */
ALWAYS ptrdiff_t pick_width(int words) { return words ? 4 * LANES : PICKED_BYTES; }

ALWAYS void put_picked(char *to, lanes v, int stream)
{
    if (stream)
        lanes_stream((float *)to, v);
    else
        lanes_store((float *)to, v);
}

/* What is constant is copied first: a store may change what lies in memory, as far as a compiler
 * knows. */
ALWAYS void pick_groups(char *const *to, const int count, const char *row, const picks_t *all,
                        ptrdiff_t from, ptrdiff_t n, const int words, const int stream)
{
    const ptrdiff_t width = pick_width(words), last = n / width * width;
    const picks_t of = *all;
    char *const first = to[0], *const second = to[count - 1];
    char end[4 * 16];
    for (ptrdiff_t at = 0, g = from; at < n; at += width, g++) {
        const int part = at == last;
        char *const to_first = part ? end : first + at;
        if (words) {
            const whole_lanes order = lanes_order(of.order + of.pattern[g] * (ptrdiff_t)LANES);
            const lanes v = lanes_picked((const float *)(row + of.base[g]), order, 1, 0, NULL);
            put_picked(to_first, v, stream && !part);
            if (count == 2 && !part)
                put_picked(second + at, v, stream);
        } else {
            const uint8_t *order = of.order + of.pattern[g] * (ptrdiff_t)PICKED_BYTES;
            __m128i low = _mm_loadu_si128((const __m128i *)(row + of.base[2 * g]));
            __m128i high = _mm_loadu_si128((const __m128i *)(row + of.base[2 * g + 1]));
            __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
            v = _mm256_shuffle_epi8(v, _mm256_loadu_si256((const __m256i *)order));
            if (stream && !part) {
                _mm256_stream_si256((__m256i *)to_first, v);
                if (count == 2)
                    _mm256_stream_si256((__m256i *)(second + at), v);
            } else {
                _mm256_storeu_si256((__m256i *)to_first, v);
                if (count == 2 && !part)
                    _mm256_storeu_si256((__m256i *)(second + at), v);
            }
        }
    }
    if (last < n)
        for (int r = 0; r < count; r++)
            memcpy(to[r] + last, end, (size_t)(n - last));
}

/* `n` bytes from group `from` on, to `count` rows; all begin with a line where they are streamed. */
static void copy_picked(char *const *to, int count, const char *row, const picks_t *of,
                        ptrdiff_t from, ptrdiff_t n, int stream)
{
#define PICK(COUNT)                                                          \
    if (of->words && stream)                                                 \
        pick_groups(to, COUNT, row, of, from, n, 1, 1);                     \
    else if (of->words)                                                      \
        pick_groups(to, COUNT, row, of, from, n, 1, 0);                     \
    else if (stream)                                                         \
        pick_groups(to, COUNT, row, of, from, n, 0, 1);                     \
    else                                                                     \
        pick_groups(to, COUNT, row, of, from, n, 0, 0)
    for (; count >= 2; count -= 2, to += 2)
        PICK(2);
    if (count)
        PICK(1);
#undef PICK
}

/* A line or more.  All lines but the first and the last are stored whole. */
ALWAYS void copy_lines(char *to, const char *from, ptrdiff_t size)
{
    const ptrdiff_t last = size - LINE, head = (ptrdiff_t)(-(uintptr_t)to & (LINE - 1));
    ptrdiff_t k = 0;
    for (;;) {
        lanes v[LINE / 4 / LANES];
        for (int q = 0; q < LINE / 4 / LANES; q++)
            v[q] = lanes_load((const float *)(from + k) + q * LANES);
        for (int q = 0; q < LINE / 4 / LANES; q++)
            lanes_store((float *)(to + k) + q * LANES, v[q]);
        if (k == last)
            break;
        k += k == 0 && head ? head : LINE;
        k = k < last ? k : last;
    }
}

/* Pixels of a line or more, `n` of them, `size` bytes each, to `count` rows; not streamed. */
static void spread_pixels(char *const *to, int count, const char *row, const int64_t *index,
                          ptrdiff_t n, ptrdiff_t size)
{
    for (ptrdiff_t j = 0; j < n; j++)
        for (int r = 0; r < count; r++)
            copy_lines(to[r] + j * size, row + index[j] * size, size);
}
#else
static inline ptrdiff_t pick_width(int words) { return words ? 4 : 1; }
static inline void copy_picked(char *const *to, int count, const char *row, const picks_t *of,
                             ptrdiff_t first, ptrdiff_t n, int stream)
{
    (void)to, (void)count, (void)row, (void)of, (void)first, (void)n, (void)stream;
}
static inline void spread_pixels(char *const *to, int count, const char *row,
                                 const int64_t *index, ptrdiff_t n, ptrdiff_t size)
{
    (void)to, (void)count, (void)row, (void)index, (void)n, (void)size;
}
#endif
#endif
