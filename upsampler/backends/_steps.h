/* A step of a row: items of a line of memory as registers of float32 numbers, and back. */
#ifndef UPSAMPLER_STEPS_H
#define UPSAMPLER_STEPS_H

#include "_lanes.h"

/* Items that have such functions, in places of their own: the codes of _types.pxi. */
enum { ROW_U8 = 0, ROW_U16 = 2, ROW_F16 = 8, ROW_F32 = 10 };
enum { LINE = 64 }; /* bytes of a line of memory */

#if UPSAMPLER_LANES
/* Sixteen-lane registers make a whole line of bytes, which is 64 items, as fast as a part of one. */
#define STEP(KIND) (LANES == 16 && (KIND) == ROW_U8 ? 64 : 32)
#define REGISTERS(KIND) (STEP(KIND) / LANES)
enum { MOST = 64 / LANES }; /* registers of a step */

ALWAYS int row_size(int kind)
{
    return kind == ROW_U8 ? 1 : kind == ROW_F32 ? 4 : 2;
}

/* Rounded to nearest, ties up; a negative number is on its way to 0, by truncation or saturation. */
#if UPSAMPLER_LANES == 16
typedef __m512i row_bytes; /* what is stored at once */
#define bytes_load(p) _mm512_loadu_si512((const void *)(p))
#define bytes_store(p, v) _mm512_storeu_si512((void *)(p), v)
#define bytes_stream(p, v) _mm512_stream_si512((void *)(p), v)
#define words_all(x) _mm512_set1_epi16((short)(x))
#define words_add(a, b) _mm512_add_epi16(a, b)
#define words_sub(a, b) _mm512_sub_epi16(a, b)
#define words_mul(a, b) _mm512_mullo_epi16(a, b)
#define words_high(a, b) _mm512_mulhi_epu16(a, b)

/* Numbers below 256, as bytes. */
ALWAYS row_bytes bytes_of_words(row_bytes a, row_bytes b)
{
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    return _mm512_permutexvar_epi64(order, _mm512_packus_epi16(a, b));
}

ALWAYS __m512i whole(lanes v)
{
    return _mm512_cvttps_epi32(_mm512_add_ps(v, _mm512_set1_ps(0.5f)));
}

ALWAYS row_bytes packed_halves(lanes a, lanes b)
{
    return _mm512_inserti64x4(
        _mm512_castsi256_si512(_mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT)),
        _mm512_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT), 1);
}

ALWAYS row_bytes packed_words(lanes a, lanes b)
{
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    return _mm512_permutexvar_epi64(order, _mm512_packus_epi32(whole(a), whole(b)));
}

ALWAYS row_bytes packed_bytes(const lanes *v)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i a = _mm512_packs_epi32(whole(v[0]), whole(v[1]));
    __m512i b = _mm512_packs_epi32(whole(v[2]), whole(v[3]));
    return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(a, b));
}
#else
typedef __m256i row_bytes;
#define bytes_load(p) _mm256_loadu_si256((const __m256i *)(p))
#define bytes_store(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define bytes_stream(p, v) _mm256_stream_si256((__m256i *)(p), v)
#define words_all(x) _mm256_set1_epi16((short)(x))
#define words_add(a, b) _mm256_add_epi16(a, b)
#define words_sub(a, b) _mm256_sub_epi16(a, b)
#define words_mul(a, b) _mm256_mullo_epi16(a, b)
#define words_high(a, b) _mm256_mulhi_epu16(a, b)

ALWAYS row_bytes bytes_of_words(row_bytes a, row_bytes b)
{
    return _mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xd8);
}

ALWAYS __m256i whole(lanes v)
{
    return _mm256_cvttps_epi32(_mm256_add_ps(v, _mm256_set1_ps(0.5f)));
}

ALWAYS row_bytes packed_halves(lanes a, lanes b)
{
    __m128i low = _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT);
    __m128i high = _mm256_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

ALWAYS row_bytes packed_words(lanes a, lanes b)
{
    return _mm256_permute4x64_epi64(_mm256_packus_epi32(whole(a), whole(b)), 0xd8);
}

ALWAYS row_bytes packed_bytes(const lanes *v)
{
    __m256i a = _mm256_packs_epi32(whole(v[0]), whole(v[1]));
    __m256i b = _mm256_packs_epi32(whole(v[2]), whole(v[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), order);
}
#endif

/* How a step is stored: plainly, past the caches, or in part (with sixteen lanes: others have no
 * masks for all sizes of items). */
enum { PLAIN, STREAM, MASKED };

ALWAYS void put(char *to, row_bytes v, int size, int how, uint64_t mask)
{
#if UPSAMPLER_LANES == 16
    if (how == MASKED && size == 1)
        _mm512_mask_storeu_epi8(to, (__mmask64)mask, v);
    else if (how == MASKED)
        _mm512_mask_storeu_epi16(to, (__mmask32)mask, v);
    else
#endif
        if (how == STREAM)
        bytes_stream(to, v);
    else
        bytes_store(to, v);
    (void)size, (void)mask;
}

ALWAYS void put_numbers(float *to, lanes v, int how, uint64_t mask)
{
#if UPSAMPLER_LANES == 16
    if (how == MASKED)
        _mm512_mask_storeu_ps(to, (__mmask16)mask, v);
    else
#endif
        if (how == STREAM)
        lanes_stream(to, v);
    else
        lanes_store(to, v);
    (void)mask;
}

/* `registers` of numbers, as items. */
ALWAYS void put_step(char *to, const lanes *v, int registers, int kind, int how, uint64_t mask)
{
    if (kind == ROW_F32)
        for (int q = 0; q < registers; q++)
            put_numbers((float *)to + LANES * q, v[q], how, mask);
    else if (kind == ROW_U8)
        put(to, packed_bytes(v), 1, how, mask);
    else
        for (int q = 0; q < registers; q += 2)
            put(to + q / 2 * (int)sizeof(row_bytes),
                kind == ROW_F16 ? packed_halves(v[q], v[q + 1]) : packed_words(v[q], v[q + 1]), 2,
                how, mask);
}

/* --- items to numbers -------------------------------------------------------------------------*/
#if UPSAMPLER_LANES == 16
#define lanes_of_u8(p) _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(p))))
#define lanes_of_u16(p) \
    _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(p))))
#define lanes_of_f16(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p)))
#else
#define lanes_of_u8(p) _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(p))))
#define lanes_of_u16(p) \
    _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p))))
#define lanes_of_f16(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p)))
#endif

/* 0 where that is left to others; whether numbers are large or not finite is not looked at. */
static int row_load(float *to, const char *from, ptrdiff_t n, int kind)
{
    const ptrdiff_t last = n - LANES;
    if (last < 0)
        return 0;
#define OVER(SIZE, LOAD)                                                                  \
    for (ptrdiff_t k = 0; k <= last; k = k < last && k + LANES > last ? last : k + LANES) \
        lanes_store(to + k, LOAD(from + k * (SIZE)));                                     \
    return 1
    switch (kind) {
    case ROW_U8: OVER(1, lanes_of_u8);
    case ROW_U16: OVER(2, lanes_of_u16);
    case ROW_F16: OVER(2, lanes_of_f16);
    }
#undef OVER
    return 0;
}
#else
static inline int row_load(float *to, const char *from, ptrdiff_t n, int kind)
{
    (void)to, (void)from, (void)n, (void)kind;
    return 0;
}
#endif
#endif
