/* Registers of float32 numbers, as the interpolation of rows wants them: 16 or 8 at a time.
 *
 * Nothing fuses or reorders what a result is made of.  Without AVX2 there is none of it, and
 * UPSAMPLER_LANES is 0: the typed loops do it all.
 */
#ifndef UPSAMPLER_LANES_H
#define UPSAMPLER_LANES_H

#include "_native.h"

#if defined(_MSC_VER)
#define ALWAYS static __forceinline
#else
#define ALWAYS static inline __attribute__((always_inline))
#endif

/* In the body of a loop that is short: as vectors a single number took ten times as long. */
#if defined(__GNUC__)
#define NOT_AS_VECTORS __asm__ volatile("")
#else
#define NOT_AS_VECTORS
#endif

#if defined(__AVX512F__)
#define UPSAMPLER_LANES 16
typedef __m512 lanes;
typedef __m512i whole_lanes;
#define lanes_load(p) _mm512_loadu_ps(p)
#define lanes_store(p, v) _mm512_storeu_ps(p, v)
#define lanes_stream(p, v) _mm512_stream_ps(p, v)
#define lanes_all(x) _mm512_set1_ps(x)
#define lanes_add(a, b) _mm512_add_ps(a, b)
#define lanes_sub(a, b) _mm512_sub_ps(a, b)
#define lanes_mul(a, b) _mm512_mul_ps(a, b)
#define lanes_fused(a, b, c) _mm512_fmadd_ps(a, b, c)
#define lanes_whole(p) _mm512_loadu_si512((const void *)(p))
#elif defined(__AVX2__)
#define UPSAMPLER_LANES 8
typedef __m256 lanes;
typedef __m256i whole_lanes;
#define lanes_load(p) _mm256_loadu_ps(p)
#define lanes_store(p, v) _mm256_storeu_ps(p, v)
#define lanes_stream(p, v) _mm256_stream_ps(p, v)
#define lanes_all(x) _mm256_set1_ps(x)
#define lanes_add(a, b) _mm256_add_ps(a, b)
#define lanes_sub(a, b) _mm256_sub_ps(a, b)
#define lanes_mul(a, b) _mm256_mul_ps(a, b)
#define lanes_fused(a, b, c) _mm256_fmadd_ps(a, b, c)
#define lanes_whole(p) _mm256_loadu_si256((const __m256i *)(p))
#else
#define UPSAMPLER_LANES 0
#endif

#if UPSAMPLER_LANES
enum { LANES = UPSAMPLER_LANES };

/* ``a + w * (b - a)``: not fused, the order that is pinned. */
ALWAYS lanes between(lanes a, lanes difference, lanes w)
{
    return lanes_add(a, lanes_mul(w, difference));
}

/* --- whether numbers are large or not finite --------------------------------------------------
 * A number above 2^101 times 2^27 overflows, and infinity and NaN stay what they are through any
 * sum: one fused multiply-add a register collects what two or three comparisons would.  Numbers
 * far below may be taken for large ones, for the sum of many can overflow; they only take the
 * careful way, whose results are the same.
 */
#define ODD_SCALE 0x1p+27f

ALWAYS lanes collect_odd(lanes collected, lanes v)
{
    return lanes_fused(v, lanes_all(ODD_SCALE), collected);
}

/* 0 where all that was collected is small and finite: what is not makes NaN of a difference. */
ALWAYS int any_odd(lanes collected)
{
    const lanes zero = lanes_sub(collected, collected);
#if UPSAMPLER_LANES == 16
    return _mm512_cmp_ps_mask(zero, zero, _CMP_UNORD_Q) != 0;
#else
    return _mm256_movemask_ps(_mm256_cmp_ps(zero, zero, _CMP_UNORD_Q)) != 0;
#endif
}

/* --- order ------------------------------------------------------------------------------------*/
#if UPSAMPLER_LANES == 16
ALWAYS whole_lanes lanes_order(const uint8_t *order)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)order));
}

/* The first `n` numbers, at least none of them, and zeros. */
ALWAYS lanes lanes_begin(const float *at, ptrdiff_t n)
{
    if (n >= 16)
        return lanes_load(at);
    return _mm512_maskz_loadu_ps((__mmask16)(n > 0 ? (1u << n) - 1 : 0), at);
}

/* Those of at[places[k]] that lie before `end`, and zeros. */
ALWAYS lanes lanes_gathered(const float *at, const int32_t *places, const float *end)
{
    const __m512i index = lanes_whole(places);
    const __m512i most = _mm512_set1_epi32((int32_t)(end - at));
    return _mm512_mask_i32gather_ps(lanes_all(0), _mm512_cmplt_epi32_mask(index, most), index, at, 4);
}

/* `wide` registers from `at` on, brought into order: places below 16 * wide.  Where `bounded`, what
 * lies at `end` and behind is zeros. */
ALWAYS lanes lanes_picked(const float *at, whole_lanes order, int wide, int bounded,
                          const float *end)
{
#define PART(K) (bounded ? lanes_begin(at + 16 * (K), end - at - 16 * (K)) : lanes_load(at + 16 * (K)))
    if (wide == 1)
        return _mm512_permutexvar_ps(order, PART(0));
    const lanes low = _mm512_permutex2var_ps(PART(0), order, PART(1));
    if (wide == 2)
        return low;
    const lanes high = _mm512_permutex2var_ps(PART(2), order, PART(3));
#undef PART
    return _mm512_mask_mov_ps(low, _mm512_test_epi32_mask(order, _mm512_set1_epi32(32)), high);
}
#else
/* first[0], second[0], first[1], second[1], ... */
ALWAYS void lanes_interleave(float *to, lanes first, lanes second)
{
    const __m256 low = _mm256_unpacklo_ps(first, second), high = _mm256_unpackhi_ps(first, second);
    lanes_store(to, _mm256_permute2f128_ps(low, high, 0x20));
    lanes_store(to + 8, _mm256_permute2f128_ps(low, high, 0x31));
}

ALWAYS whole_lanes lanes_order(const uint8_t *order)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)order));
}

/* A mask of the first `n` lanes. */
ALWAYS __m256i first_lanes(ptrdiff_t n)
{
    const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n < 0 ? 0 : n)), place);
}

/* The first `n` numbers, at least none of them, and zeros. */
ALWAYS lanes lanes_begin(const float *at, ptrdiff_t n)
{
    return n >= 8 ? lanes_load(at) : _mm256_maskload_ps(at, first_lanes(n));
}

/* Those of at[places[k]] that lie before `end`, and zeros. */
ALWAYS lanes lanes_gathered(const float *at, const int32_t *places, const float *end)
{
    const __m256i index = lanes_whole(places);
    const __m256i inside = _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)(end - at)), index);
    return _mm256_mask_i32gather_ps(lanes_all(0), at, index, _mm256_castsi256_ps(inside), 4);
}

/* `wide` registers from `at` on, brought into order: places below 8 * wide.  Where `bounded`, what
 * lies at `end` and behind is zeros. */
ALWAYS lanes lanes_picked(const float *at, whole_lanes order, int wide, int bounded,
                          const float *end)
{
#define PART(K)                                                                              \
    _mm256_permutevar8x32_ps(bounded ? lanes_begin(at + 8 * (K), end - at - 8 * (K))         \
                                     : lanes_load(at + 8 * (K)), order)
    /* Blends look at the sign: bits 3 and 4 of the order are brought there. */
    const lanes odd = _mm256_castsi256_ps(_mm256_slli_epi32(order, 28));
    const lanes upper = _mm256_castsi256_ps(_mm256_slli_epi32(order, 27));
    if (wide == 1)
        return PART(0);
    const lanes low = _mm256_blendv_ps(PART(0), PART(1), odd);
    return wide == 2 ? low : _mm256_blendv_ps(low, _mm256_blendv_ps(PART(2), PART(3), odd), upper);
#undef PART
}
#endif

#endif
#endif
