/* Rows of bytes brought into place: linear by a whole factor, and nearest.
 *
 * A shuffle takes any bytes of sixteen, so what a register of the result is made of has to lie
 * within sixteen bytes of the row.
 */
#ifndef UPSAMPLER_BYTES_H
#define UPSAMPLER_BYTES_H

#include "_steps.h"

typedef struct {
    const uint8_t *order;    /* of a step: [vectors][bytes of a register] */
    const uint16_t *weights; /* the same, by number */
    ptrdiff_t inner, advance, outputs; /* bytes of a pixel; of a step; numbers of a step */
    int vectors, shift; /* registers of a step; weights are multiples of 2 ** -shift */
} phases_t;

#if UPSAMPLER_LANES
#if UPSAMPLER_LANES == 16
#define bytes_repeated(p) _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(p)))
#define bytes_shuffled(v, order) _mm512_shuffle_epi8(v, order)
#else
#define bytes_repeated(p) _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(p)))
#define bytes_shuffled(v, order) _mm256_shuffle_epi8(v, order)
#endif

enum { MOST_KEPT = 4 }; /* registers of orders, and of weights */

/* Every pair of neighbouring pixels makes a whole number of outputs, which lie between them.  A
 * step takes as many pairs as lie within sixteen bytes; what it stores too much the next one
 * stores again. */
ALWAYS void phases_by(uint16_t *o, const uint8_t *row, const phases_t *of, ptrdiff_t steps,
                      const int vectors)
{
    /* Copies: a store may change what lies in memory, as far as a compiler knows. */
    const ptrdiff_t inner = of->inner, advance = of->advance, outputs = of->outputs;
    const ptrdiff_t words = (ptrdiff_t)sizeof(row_bytes) / 2;
    const row_bytes whole = words_all(1 << of->shift);
    row_bytes order[MOST_KEPT], w[MOST_KEPT];
    for (int v = 0; v < (vectors <= MOST_KEPT ? vectors : 0); v++) {
        order[v] = bytes_load(of->order + v * 2 * words);
        w[v] = bytes_load(of->weights + v * words);
    }
    for (ptrdiff_t s = 0; s < steps; s++, row += advance, o += outputs) {
        const row_bytes left = bytes_repeated(row), right = bytes_repeated(row + inner);
        for (int v = 0; v < vectors; v++) {
            const int kept = vectors <= MOST_KEPT;
            const row_bytes by = kept ? order[v] : bytes_load(of->order + v * 2 * words);
            const row_bytes weight = kept ? w[v] : bytes_load(of->weights + v * words);
            const row_bytes a = bytes_shuffled(left, by), b = bytes_shuffled(right, by);
            const row_bytes part = words_mul(weight, words_sub(b, a));
            bytes_store(o + v * words, words_add(words_mul(a, whole), part));
        }
    }
}

static void phases_of_bytes(uint16_t *o, const uint8_t *row, const phases_t *of, ptrdiff_t steps)
{
    if (of->vectors == 1)
        phases_by(o, row, of, steps, 1);
    else if (of->vectors == 2)
        phases_by(o, row, of, steps, 2);
    else if (of->vectors == 4)
        phases_by(o, row, of, steps, 4);
    else
        phases_by(o, row, of, steps, of->vectors);
}
#else
static inline void phases_of_bytes(uint16_t *o, const uint8_t *row, const phases_t *of,
                                   ptrdiff_t steps)
{
    (void)o, (void)row, (void)of, (void)steps;
}
#endif
#endif
