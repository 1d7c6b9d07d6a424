/* What typed Cython loops cannot say: half-precision conversions, atomics.
 *
 * Everything has a portable form; the vector forms give the same bits.
 */
#ifndef UPSAMPLER_NATIVE_H
#define UPSAMPLER_NATIVE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX2__) || defined(__F16C__)
#include <immintrin.h>
#elif defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#define UPSAMPLER_SSE2 1
#endif
#if defined(_MSC_VER)
#include <intrin.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

typedef struct { uint16_t bits; } f16_t;
typedef struct { uint16_t bits; } bf16_t;

static inline uint32_t bits_of(float x) { uint32_t u; memcpy(&u, &x, 4); return u; }
static inline float float_of(uint32_t u) { float x; memcpy(&x, &u, 4); return x; }

/* --- half precision ------------------------------------------------------------------------
 * Round to nearest even; NaNs become quiet and keep the upper bits of their payload, as the
 * F16C instructions do, so that both paths agree bit for bit.
 */
static inline float f16_to_float(uint16_t h)
{
    /* Shift exponent and mantissa into place and scale by 2^112: subnormals come out exact. */
    uint32_t rest = ((uint32_t)h & 0x7fffu) << 13;
    uint32_t scaled = bits_of(float_of(rest) * 0x1p+112f);
    uint32_t special = (rest & 0x007fffffu) | 0x7f800000u;
    special |= (rest & 0x007fffffu) ? 0x00400000u : 0u;
    uint32_t magnitude = rest >= 0x0f800000u ? special : scaled;
    return float_of(magnitude | ((uint32_t)h & 0x8000u) << 16);
}

static inline uint16_t float_to_f16(float x)
{
    uint32_t u = bits_of(x);
    uint32_t sign = (u >> 16) & 0x8000u;
    uint32_t a = u & 0x7fffffffu;
    uint32_t nan = 0x7e00u | ((a >> 13) & 0x3ffu);
    /* Normal halves: add half an ulp, or a little less where the result is even. */
    uint32_t normal = (a - 0x38000000u + 0x0fffu + ((a >> 13) & 1u)) >> 13;
    /* Subnormal halves: adding 0.5 leaves multiples of 2^-24, rounded to even by the adder. */
    uint32_t tiny = bits_of(float_of(a < 0x38800000u ? a : 0u) + 0.5f) - 0x3f000000u;
    uint32_t h = a < 0x38800000u ? tiny : (a < 0x477ff000u ? normal : 0x7c00u);
    return (uint16_t)(sign | (a > 0x7f800000u ? nan : h));
}

static inline float bf16_to_float(uint16_t b) { return float_of((uint32_t)b << 16); }

static inline uint16_t float_to_bf16(float x)
{
    uint32_t u = bits_of(x);
    uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
    return (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? (u >> 16) | 0x40u : rounded);
}

/* float64 to float32, rounded to odd: a following rounding to a half type then is the only one
 * that counts, because the 24 bits hold at least two more than the half types do. */
static inline float round_to_odd(double d)
{
    float f = (float)d;
    uint32_t u = bits_of(f);
    double back = (double)f;
    if (back != d && back == back) {
        int away = d < 0 ? back < d : back > d;
        if ((u & 0x7fffffffu) == 0x7f800000u && !(d - d != d - d)) {
            u = (u & 0x80000000u) | 0x7f7fffffu; /* finite, beyond float32: the largest, odd */
        } else {
            u = (u - (uint32_t)away) | 1u;
        }
    }
    return float_of(u);
}

static inline void row_f16_to_float(float *dst, const uint16_t *src, ptrdiff_t n)
{
    ptrdiff_t k = 0;
#if defined(__F16C__)
    for (; k + 8 <= n; k += 8)
        _mm256_storeu_ps(dst + k, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(src + k))));
#endif
    for (; k < n; k++)
        dst[k] = f16_to_float(src[k]);
}

static inline void row_float_to_f16(uint16_t *dst, const float *src, ptrdiff_t n)
{
    ptrdiff_t k = 0;
#if defined(__F16C__)
    for (; k + 8 <= n; k += 8)
        _mm_storeu_si128((__m128i *)(dst + k),
                         _mm256_cvtps_ph(_mm256_loadu_ps(src + k), _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; k < n; k++)
        dst[k] = float_to_f16(src[k]);
}

/* --- atomics -------------------------------------------------------------------------------*/
static inline ptrdiff_t fetch_add(volatile ptrdiff_t *p, ptrdiff_t v)
{
#if defined(_MSC_VER) && defined(_WIN64)
    return (ptrdiff_t)_InterlockedExchangeAdd64((volatile __int64 *)p, (__int64)v);
#elif defined(_MSC_VER)
    return (ptrdiff_t)_InterlockedExchangeAdd((volatile long *)p, (long)v);
#else
    return __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL);
#endif
}

/* --- what this processor can do ------------------------------------------------------------*/
static inline int runs_avx512(void)
{
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#elif defined(_M_X64)
    int r[4];
    __cpuid(r, 1);
    if (!(r[2] & (1 << 27)) || (_xgetbv(0) & 0xe6) != 0xe6)
        return 0; /* the system does not save the 512-bit registers */
    __cpuidex(r, 7, 0);
    return (r[1] & 0xc0030000) == 0xc0030000; /* F, DQ, BW, VL */
#else
    return 0;
#endif
}

static inline int runs_avx2(void)
{
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    __builtin_cpu_init();
    /* Clang's builtin does not know "f16c": bit 29 of leaf 1 says it. */
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1) && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("fma");
#elif defined(_M_X64)
    int r[4];
    __cpuid(r, 1);
    if (!(r[2] & (1 << 27)) || !(r[2] & (1 << 28)) || !(r[2] & (1 << 29)) ||
        !(r[2] & (1 << 12)))
        return 0; /* no OSXSAVE, AVX, F16C or FMA */
    if ((_xgetbv(0) & 6) != 6)
        return 0; /* the system does not save the wide registers */
    __cpuidex(r, 7, 0);
    return (r[1] >> 5) & 1;
#else
    return 0;
#endif
}

#endif
