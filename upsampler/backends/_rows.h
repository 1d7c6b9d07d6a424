/* Output rows as blends of rows in float32, rounded to items and stored in one pass.
 *
 * Up to two output rows at a time, where both read the same rows: what is loaded serves both.
 * Long results go past the caches a line at a time.  Rows of less than a line, other types and
 * other processors are left to the typed loops: these functions return 0 there.
 */
#ifndef UPSAMPLER_ROWS_H
#define UPSAMPLER_ROWS_H

#include "_steps.h"
#include "_stream.h"

enum { LEAST_STREAMED = 512, LEAST_PARTS = 1 << 13 }; /* bytes of a row */

#if UPSAMPLER_LANES
/* --- what an output row is made of -------------------------------------------------------------*/
enum { FEW = 6 }; /* taps whose weights stay in registers */

/* All of it is copied into registers before a row begins: a store may change what lies in memory,
 * as far as a compiler knows. */
typedef struct {
    const float *rows[FEW];
    lanes w[2][FEW]; /* of the first output row, and of the second */
    const float *const *many; /* the same where there are more taps than FEW */
    const float *many_w;
    ptrdiff_t taps;
} blend_t;

typedef struct {
    const uint16_t *first, *second;
    const int32_t *w; /* by output row */
    int shift_h, shift; /* of these weights, and of the result */
} exact_t;

typedef struct {
    const uint16_t *first, *second;
    /* Shifts by a number that is not known here are two instructions, products one: to the left by
     * a power of two, and to the right by the upper half of one. */
    row_bytes w[2], half, left, right;
} whole_blend_t;

/* Where a step of up to two output rows goes. */
typedef struct {
    char *first, *second;
    int count, registers, kind, how;
    uint64_t mask;
} step_t;

ALWAYS void put_rows(const step_t to, lanes v[2][MOST])
{
    put_step(to.first, v[0], to.registers, to.kind, to.how, to.mask);
    if (to.count == 2)
        put_step(to.second, v[1], to.registers, to.kind, to.how, to.mask);
}

/* What is made of the numbers at `k`. */
ALWAYS void linear_step(const step_t to, const blend_t *of, ptrdiff_t k)
{
    lanes v[2][MOST];
    for (int q = 0; q < to.registers; q++) {
        const lanes x = lanes_load(of->rows[0] + k + LANES * q);
        const lanes d = lanes_sub(lanes_load(of->rows[1] + k + LANES * q), x);
        for (int r = 0; r < to.count; r++)
            v[r][q] = between(x, d, of->w[r][0]);
    }
    put_rows(to, v);
}

ALWAYS void sum_step(const step_t to, const blend_t *of, ptrdiff_t k, const int taps)
{
    lanes v[2][MOST];
    for (int q = 0; q < to.registers; q++)
        for (int t = 0; t < taps; t++) {
            const lanes x = lanes_load(of->rows[t] + k + LANES * q);
            for (int r = 0; r < to.count; r++) {
                const lanes part = lanes_mul(of->w[r][t], x);
                v[r][q] = t == 0 ? part : lanes_add(v[r][q], part);
            }
        }
    put_rows(to, v);
}

ALWAYS void many_step(const step_t to, const blend_t *of, ptrdiff_t k)
{
    lanes v[2][MOST];
    for (ptrdiff_t t = 0; t < of->taps; t++)
        for (int r = 0; r < to.count; r++) {
            const lanes w = lanes_all(of->many_w[r * of->taps + t]);
            for (int q = 0; q < to.registers; q++) {
                const lanes part = lanes_mul(w, lanes_load(of->many[t] + k + LANES * q));
                v[r][q] = t == 0 ? part : lanes_add(v[r][q], part);
            }
        }
    put_rows(to, v);
}

/* Linear blends of whole numbers: rounded, ties up. */
ALWAYS void whole_step(const step_t to, const whole_blend_t *of, ptrdiff_t k)
{
    const ptrdiff_t words = (ptrdiff_t)sizeof(row_bytes) / 2;
    row_bytes v[2][2];
    for (int q = 0; q < 2; q++) {
        const row_bytes a = bytes_load(of->first + k + q * words);
        const row_bytes d = words_sub(bytes_load(of->second + k + q * words), a);
        const row_bytes whole_a = words_add(words_mul(a, of->left), of->half);
        for (int r = 0; r < to.count; r++)
            v[r][q] = words_high(words_add(whole_a, words_mul(of->w[r], d)), of->right);
    }
    put(to.first, bytes_of_words(v[0][0], v[0][1]), 1, to.how, to.mask);
    if (to.count == 2)
        put(to.second, bytes_of_words(v[1][0], v[1][1]), 1, to.how, to.mask);
}

/* What a row is made of, as a number that compilers know: taps, or one of these. */
enum { WHOLE = 0, ANY_LINEAR = 2, MANY = 100 };

ALWAYS void blend_step(const step_t to, const void *of, const int what, ptrdiff_t k)
{
    if (what == WHOLE)
        whole_step(to, (const whole_blend_t *)of, k);
    else if (what == ANY_LINEAR)
        linear_step(to, (const blend_t *)of, k);
    else if (what == MANY)
        many_step(to, (const blend_t *)of, k);
    else
        sum_step(to, (const blend_t *)of, k, what);
}

/* Items of a line of memory, and the registers of numbers that they are made of. */
#define LINE_ITEMS(KIND) (LINE / row_size(KIND))
#define LINE_REGISTERS(KIND) (LINE_ITEMS(KIND) / LANES < MOST ? LINE_ITEMS(KIND) / LANES : MOST)

/* Of the line's worth of items that begins with item `from`, those from `k` on, `n` of them: what
 * lies beside them is another's.  `first` and `second` say where item `k` of each row goes. */
ALWAYS void blend_part(char *first, char *second, const int count, const void *of, const int what,
                       ptrdiff_t from, ptrdiff_t k, ptrdiff_t n, const int kind)
{
    const ptrdiff_t before = (k - from) * row_size(kind);
#if UPSAMPLER_LANES == 16
    const uint64_t mask = (~(uint64_t)0 >> (64 - n)) << (k - from);
    const step_t at = {first - before, second - before, count, LINE_REGISTERS(kind), kind, MASKED,
                       mask};
    blend_step(at, of, what, from);
#else
    const ptrdiff_t size = row_size(kind);
    const ptrdiff_t step = LINE_ITEMS(kind) < STEP(kind) ? LINE_ITEMS(kind) : STEP(kind);
    char made[2][LINE];
    for (ptrdiff_t j = 0; j < LINE_ITEMS(kind); j += step) {
        const step_t at = {made[0] + j * size, made[1] + j * size, count, (int)(step / LANES), kind,
                           PLAIN, 0};
        blend_step(at, of, what, from + j);
    }
    memcpy(first, made[0] + before, (size_t)(n * size));
    if (count == 2)
        memcpy(second, made[1] + before, (size_t)(n * size));
#endif
}

/* Where a row begins and ends within lines. */
typedef struct {
    ptrdiff_t behind;          /* bytes from the beginning of a line to that of the row */
    ptrdiff_t head, end, tail; /* items: up to the first line, up to the last one's end, the rest */
} lines_t;

ALWAYS lines_t lines_of(const char *to, ptrdiff_t n, const int kind)
{
    const ptrdiff_t size = row_size(kind), line = LINE_ITEMS(kind);
    lines_t at;
    at.behind = (ptrdiff_t)((uintptr_t)to & (LINE - 1));
    at.head = at.behind % size ? 0 : (LINE - at.behind) % LINE / size;
    at.end = at.head + (n - at.head) / line * line;
    at.tail = n - at.end;
    return at;
}

/* The whole lines of a row. */
ALWAYS void blend_lines(char *const *to, const int count, const void *of, const int what,
                        const lines_t lines, const int kind, const int how)
{
    const ptrdiff_t size = row_size(kind), step = STEP(kind);
    ptrdiff_t k = lines.head;
    step_t at = {to[0] + k * size, to[count - 1] + k * size, count, REGISTERS(kind), kind, how, 0};
    for (; k + step <= lines.end; k += step, at.first += step * size, at.second += step * size)
        blend_step(at, of, what, k);
    if (k < lines.end) { /* a step is two lines of float32 */
        at.registers = LINE_REGISTERS(kind);
        blend_step(at, of, what, k);
    }
}

/* Stores that cross from one line into the next take twice as long, and NumPy's arrays begin 16
 * bytes behind a line: all but the ends of a row is stored in whole lines. */
ALWAYS void blend_plain(char *const *to, const int count, const void *of, const int what,
                        ptrdiff_t n, const int kind)
{
    const lines_t lines = lines_of(to[0], n, kind);
    const ptrdiff_t size = row_size(kind), end = lines.end * size;
    if (lines.head)
        blend_part(to[0], to[count - 1], count, of, what, 0, 0, lines.head, kind);
    blend_lines(to, count, of, what, lines, kind, PLAIN);
    if (lines.tail)
        blend_part(to[0] + end, to[count - 1] + end, count, of, what, n - LINE_ITEMS(kind),
                   lines.end, lines.tail, kind);
}

/* The line that two rows share is made of the end of the one and the beginning of the other; what
 * ends the last row is carried. */
ALWAYS void blend_streamed(char *const *to, const int count, const void *of, const int what,
                           ptrdiff_t n, const int kind, carry_t *carry)
{
    const lines_t lines = lines_of(to[0], n, kind);
    const ptrdiff_t size = row_size(kind), end = lines.end * size;
    const int shared = count == 2 && lines.tail && to[1] == to[0] + n * size;
    const int joined = continues(carry, to[0]);
    char between_rows[LINE], *const last = carry->line;
    if (lines.head) {
        blend_part(joined ? carry->line + lines.behind : to[0],
                   shared ? between_rows + lines.behind : to[count - 1], count, of, what, 0, 0,
                   lines.head, kind);
        if (joined)
            stream_line(carry->at, carry->line);
    }
    blend_lines(to, count, of, what, lines, kind, STREAM);
    begin_carry(carry, to[count - 1] + end, lines.tail * size);
    if (lines.tail) {
        blend_part(count == 1 ? last : shared ? between_rows : to[0] + end, last, count, of, what,
                   n - LINE_ITEMS(kind), lines.end, lines.tail, kind);
        if (shared)
            stream_line(to[0] + end, between_rows);
    }
}

/* All that is constant in a row becomes so for the compiler. */
ALWAYS void blend_rows(char *const *to, int count, const void *of, const int what, ptrdiff_t n,
                       const int kind, carry_t *carry)
{
    if (count == 2 && carry)
        blend_streamed(to, 2, of, what, n, kind, carry);
    else if (count == 2)
        blend_plain(to, 2, of, what, n, kind);
    else if (carry)
        blend_streamed(to, 1, of, what, n, kind, carry);
    else
        blend_plain(to, 1, of, what, n, kind);
}

ALWAYS void blend_kind(char *const *to, int count, const float *const *rows, const float *w,
                       ptrdiff_t taps, int linear, ptrdiff_t n, const int kind, carry_t *carry)
{
#define BLEND_TAPS(TAPS, WEIGHTS, WHAT)                                    \
    {                                                                      \
        blend_t of = {.many = rows, .many_w = w, .taps = taps};            \
        for (int t = 0; t < (TAPS); t++)                                   \
            of.rows[t] = rows[t];                                          \
        for (int t = 0; t < (WEIGHTS); t++) {                              \
            of.w[0][t] = lanes_all(w[t]);                                  \
            of.w[1][t] = lanes_all(w[(count - 1) * (WEIGHTS) + t]);        \
        }                                                                  \
        blend_rows(to, count, &of, WHAT, n, kind, carry);                  \
    }
    if (linear)
        BLEND_TAPS(2, 1, ANY_LINEAR)
    else if (taps == 4)
        BLEND_TAPS(4, 4, 4)
    else if (taps == 6)
        BLEND_TAPS(6, 6, 6)
    else
        BLEND_TAPS(0, 0, MANY)
#undef BLEND_TAPS
}

/* Whether it pays to stream a row: what lies in parts of lines that no other row completes has to be
 * little beside the rest. */
ALWAYS int can_stream(const char *to, ptrdiff_t n, int size, const carry_t *carry)
{
    const int parts = (((uintptr_t)to | (uintptr_t)(n * size)) & (LINE - 1)) != 0;
    return carry && (uintptr_t)to % (unsigned)size == 0 &&
           n * size >= (parts && !carry->follow ? LEAST_PARTS : LEAST_STREAMED);
}

/* Whether lines begin at the same items of both rows. */
ALWAYS int in_step(char *const *to, int count)
{
    return (((uintptr_t)to[0] ^ (uintptr_t)to[count - 1]) & (LINE - 1)) == 0;
}

/* One or two output rows, past the caches where there is a `carry`; 0 where that is left to others. */
static int row_blend(char *const *to, int count, const float *const *rows, const float *w,
                     ptrdiff_t taps, int linear, ptrdiff_t n, int kind, carry_t *carry)
{
#define BLEND_KIND(K)                                                                             \
    case K:                                                                                       \
        if (n < LINE_ITEMS(K))                                                                    \
            return 0;                                                                             \
        carry = can_stream(to[0], n, row_size(K), carry) ? carry : NULL;                          \
        if (carry && !in_step(to, count)) {                                                       \
            blend_kind(to, 1, rows, w, taps, linear, n, K, carry);                                \
            blend_kind(to + 1, 1, rows, w + (linear ? 1 : taps), taps, linear, n, K, carry);      \
        } else {                                                                                  \
            blend_kind(to, count, rows, w, taps, linear, n, K, carry);                            \
        }                                                                                         \
        return 1;
    switch (kind) {
        BLEND_KIND(ROW_U8)
        BLEND_KIND(ROW_U16)
        BLEND_KIND(ROW_F16)
        BLEND_KIND(ROW_F32)
    }
#undef BLEND_KIND
    return 0;
}

/* --- 8-bit images by weights that are parts of a power of two ----------------------------------
 * Where all weights of both axes are multiples of a power of two, and what they add up to does not
 * exceed 2^8, sums are exact in 16 bits, as they are in float32: the results are the same.  The
 * rows are what phases_of_bytes makes (_bytes.h); differences wrap, and their sums come back.
 */
ALWAYS void exact_rows(char *const *to, int count, const exact_t *of, ptrdiff_t n, carry_t *carry)
{
    const whole_blend_t whole = {
        of->first, of->second, {words_all(of->w[0]), words_all(of->w[count - 1])},
        words_all(1 << of->shift >> 1), words_all(1 << of->shift_h),
        words_all(1 << (16 - of->shift))};
    blend_rows(to, count, &whole, WHOLE, n, ROW_U8, carry);
}

static void row_blend_exact(char *const *to, int count, const exact_t *of, ptrdiff_t n,
                            carry_t *carry)
{
    const exact_t second = {of->first, of->second, of->w + 1, of->shift_h, of->shift};
    if (n < LINE_ITEMS(ROW_U8)) {
        for (int r = 0; r < count; r++)
            for (ptrdiff_t k = 0; k < n; k++)
                to[r][k] = (char)((of->first[k] * ((1 << of->shift_h) - of->w[r]) +
                                   of->second[k] * of->w[r] + (1 << of->shift >> 1)) >>
                                  of->shift);
        return;
    }
    carry = can_stream(to[0], n, 1, carry) ? carry : NULL;
    if (carry && !in_step(to, count)) {
        exact_rows(to, 1, of, n, carry);
        exact_rows(to + 1, 1, &second, n, carry);
    } else {
        exact_rows(to, count, of, n, carry);
    }
}

#else
typedef struct {
    const uint16_t *first, *second;
    const int32_t *w;
    int shift_h, shift;
} exact_t;
static inline void row_blend_exact(char *const *to, int count, const exact_t *of, ptrdiff_t n,
                                   carry_t *carry)
{
    (void)to, (void)count, (void)of, (void)n, (void)carry;
}
static inline int row_blend(char *const *to, int count, const float *const *rows, const float *w,
                            ptrdiff_t taps, int linear, ptrdiff_t n, int kind, carry_t *carry)
{
    (void)to, (void)count, (void)rows, (void)w, (void)taps, (void)linear, (void)n, (void)kind;
    (void)carry;
    return 0;
}
#endif
#endif
