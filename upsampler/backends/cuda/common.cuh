// What all kernels share: items, arithmetic, and the conversions between them.
//
// Kernels are compiled for one item type (or one for reading and one for writing) and one
// arithmetic type, which come as macros.  Nothing is included: NVRTC has no standard headers.

typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;
struct f16 { u16 bits; };
struct bf16 { u16 bits; };

__device__ __forceinline__ u32 bits_of(f32 v) { u32 u; memcpy(&u, &v, 4); return u; }
__device__ __forceinline__ f32 float_of(u32 u) { f32 v; memcpy(&v, &u, 4); return v; }

// --- half types -------------------------------------------------------------------------------

#ifdef __CUDACC_RTC__
__device__ __forceinline__ f32 f16_to_float(u16 h)
{
    f32 v;
    asm("cvt.f32.f16 %0, %1;" : "=f"(v) : "h"(h));
    return v;
}

__device__ __forceinline__ u16 float_to_f16(f32 v)
{
    u16 h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(v));
    return h;
}
#else  // a host compiler, in tests: the same in integers
__device__ inline f32 f16_to_float(u16 h)
{
    // (Not by a product of subnormal numbers: tests flush those, as the device does.)
    u32 rest = (h & 0x7fffu) << 13;
    u32 tiny = bits_of((f32)(h & 0x3ffu) * 0x1p-24f);
    u32 scaled = rest < 0x00800000u ? tiny : rest + 0x38000000u;
    u32 special = (rest & 0x007fffffu) ? rest | 0x7fc00000u : 0x7f800000u;
    return float_of((rest >= 0x0f800000u ? special : scaled) | (h & 0x8000u) << 16);
}

__device__ inline u16 float_to_f16(f32 v)
{
    u32 u = bits_of(v), a = u & 0x7fffffffu;
    u32 normal = (a - 0x38000000u + 0x0fffu + ((a >> 13) & 1u)) >> 13;
    u32 tiny = bits_of(float_of(a < 0x38800000u ? a : 0u) + 0.5f) - 0x3f000000u;
    u32 h = a < 0x38800000u ? tiny : a < 0x477ff000u ? normal : 0x7c00u;
    return (u16)(a > 0x7f800000u ? 0x7fffu : h | (u >> 16 & 0x8000u));
}
#endif

__device__ __forceinline__ u16 float_to_bf16(f32 v)
{
    u32 u = bits_of(v);
    u32 rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    return (u16)((u & 0x7fffffffu) > 0x7f800000u ? u >> 16 | 0x40u : rounded);
}

// float64 to float32, rounded to odd: a following rounding to a half type is then the only one
// that counts.
__device__ __forceinline__ f32 round_to_odd(f64 d)
{
    f32 f = (f32)d;
    u32 u = bits_of(f);
    f64 back = (f64)f;
    if (back != d && d == d) {
        bool away = d < 0 ? back < d : back > d;
        bool beyond = (u & 0x7fffffffu) == 0x7f800000u;  // d itself is finite
        u = beyond ? (u & 0x80000000u) | 0x7f7fffffu : (u - away) | 1u;
    }
    return float_of(u);
}

// --- numbers ----------------------------------------------------------------------------------

template <class R, class T> __device__ __forceinline__ R to_real(T v) { return (R)v; }
template <> __device__ __forceinline__ f32 to_real<f32, f16>(f16 v) { return f16_to_float(v.bits); }
template <> __device__ __forceinline__ f64 to_real<f64, f16>(f16 v) { return f16_to_float(v.bits); }
template <> __device__ __forceinline__ f32 to_real<f32, bf16>(bf16 v)
{
    return float_of((u32)v.bits << 16);
}
template <> __device__ __forceinline__ f64 to_real<f64, bf16>(bf16 v)
{
    return float_of((u32)v.bits << 16);
}

__device__ __forceinline__ f32 below(f32 v) { return floorf(v); }
__device__ __forceinline__ f64 below(f64 v) { return floor(v); }
__device__ __forceinline__ f32 narrowed(f32 v) { return v; }
__device__ __forceinline__ f32 narrowed(f64 v) { return round_to_odd(v); }

// Integers to nearest, ties up, saturated; floats to nearest.
template <class T> struct Rounded;
template <> struct Rounded<f32> { template <class R> __device__ static f32 of(R v) { return (f32)v; } };
template <> struct Rounded<f64> { template <class R> __device__ static f64 of(R v) { return (f64)v; } };
template <> struct Rounded<f16> {
    template <class R> __device__ static f16 of(R v) { return {float_to_f16(narrowed(v))}; }
};
template <> struct Rounded<bf16> {
    template <class R> __device__ static bf16 of(R v) { return {float_to_bf16(narrowed(v))}; }
};

// No filter makes more than 2^31 of 16-bit data, so that integers can do the clamping.
template <class T, int LOW, int HIGH> struct Short {
    template <class R> __device__ static T of(R v)
    {
        R t = v + (R)0.5;
        int whole = (int)t;
        if (LOW < 0) whole -= (R)whole > t;  // truncated: a floor only where t >= 0
        return (T)min(max(whole, LOW), HIGH);
    }
};
template <> struct Rounded<u8> : Short<u8, 0, 255> {};
template <> struct Rounded<i8> : Short<i8, -128, 127> {};
template <> struct Rounded<u16> : Short<u16, 0, 65535> {};
template <> struct Rounded<i16> : Short<i16, -32768, 32767> {};

// No v + 0.5 for wide integers: it would round where v is large.
__device__ __forceinline__ f64 whole(f64 v)
{
    f64 low = below(v);
    return low + (v - low >= 0.5 ? 1.0 : 0.0);
}
template <> struct Rounded<u32> {
    __device__ static u32 of(f64 v)
    {
        v = whole(v);
        return v >= 4294967295.0 ? 0xffffffffu : v > 0 ? (u32)v : 0;
    }
};
template <> struct Rounded<i32> {
    __device__ static i32 of(f64 v)
    {
        v = whole(v);
        return v >= 2147483647.0 ? 0x7fffffff : v > -2147483648.0 ? (i32)v : -0x7fffffff - 1;
    }
};
template <> struct Rounded<u64> {
    __device__ static u64 of(f64 v)
    {
        v = whole(v);
        return v >= 18446744073709551616.0 ? 0xffffffffffffffffull : v > 0 ? (u64)v : 0;
    }
};
template <> struct Rounded<i64> {
    __device__ static i64 of(f64 v)
    {
        v = whole(v);
        if (v >= 9223372036854775808.0) return 0x7fffffffffffffffll;
        return v > -9223372036854775808.0 ? (i64)v : -0x7fffffffffffffffll - 1;
    }
};

template <class T, class R> __device__ __forceinline__ T to_item(R v) { return Rounded<T>::of(v); }

__device__ __forceinline__ bool finite(f32 v) { return fabsf(v) <= 3.402823466e+38f; }
__device__ __forceinline__ bool finite(f64 v) { return fabs(v) <= 1.7976931348623157e+308; }

// Keeps a value that a loop needs in a register: NVRTC would work it out anew in every turn, which
// was a quarter of all instructions of march.cu.
__device__ __forceinline__ void keep(i64 &v)
{
#ifdef __CUDACC_RTC__
    asm("" : "+l"(v));
#endif
}

// --- the grid ---------------------------------------------------------------------------------

// A thread has one column of every so many planes: those that neither a block nor the grid holds
// it comes back for.  Small planes share a block.
#define COLUMN ((INDEX)blockIdx.x * blockDim.x + threadIdx.x)
#define PLANE (blockIdx.y * blockDim.y + threadIdx.y)
#define PLANES (gridDim.y * blockDim.y)

template <class T> __device__ __forceinline__ const T *moved(const T *from, i64 bytes)
{
    return reinterpret_cast<const T *>(reinterpret_cast<const char *>(from) + bytes);
}

// --- vectors ----------------------------------------------------------------------------------

// N neighbouring items.  Up to 16 bytes are one access, more are several of 16.
template <class T, int N> struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) Vector { T v[N]; };

template <class T, int N>
__device__ __forceinline__ Vector<T, N> load(const T *from)
{
    return *reinterpret_cast<const Vector<T, N> *>(from);
}

// Results are not read again: __stcs leaves the caches to the inputs.  A plain store of a struct
// was split into four in unrolled loops.
template <class T, int N>
__device__ __forceinline__ void store(T *to, const Vector<T, N> &values)
{
    if constexpr (N * sizeof(T) % 16 == 0) {
        uint4 u[N * sizeof(T) / 16];
        memcpy(u, &values, sizeof u);
#pragma unroll
        for (int j = 0; j < N * sizeof(T) / 16; ++j) __stcs(reinterpret_cast<uint4 *>(to) + j, u[j]);
    } else {
#pragma unroll
        for (int j = 0; j < N; ++j) to[j] = values.v[j];
    }
}
