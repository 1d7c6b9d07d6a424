// Values of PTX: registers hold raw bits, and every instruction says as which type it reads them.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <type_traits>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned __int128 u128;
typedef __int128 s128;
typedef u8 b8;
typedef u16 b16;
typedef u32 b32;
typedef u64 b64;
typedef _Float16 f16;
typedef float f32;
typedef double f64;
struct bf16 { u16 bits; };

template <int bytes> struct Bits;
template <> struct Bits<1> { typedef u8 type; };
template <> struct Bits<2> { typedef u16 type; };
template <> struct Bits<4> { typedef u32 type; };
template <> struct Bits<8> { typedef u64 type; };
template <class T> constexpr bool is_integer = std::is_integral_v<T>;

template <class T, class R> inline T get(R raw) {
    if constexpr (is_integer<T>) return (T)raw;
    else {
        typename Bits<sizeof(T)>::type bits = (typename Bits<sizeof(T)>::type)raw;
        T value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
}

// Integers are sign- or zero-extended to the register as their type says.
template <class R, class T> inline void set(R &target, T value) {
    if constexpr (is_integer<T>) target = (R)value;
    else {
        typename Bits<sizeof(T)>::type bits;
        memcpy(&bits, &value, sizeof value);
        target = (R)bits;
    }
}

// ---- floating point

template <class T> inline T ftz(T v) {
    if constexpr (std::is_same_v<T, f32>)
        return std::fpclassify(v) == FP_SUBNORMAL ? std::copysign(0.0f, v) : v;
    else return v;
}

// Arithmetic of float32 gives this one NaN on the device, whatever the operands' payloads.
template <class T> inline T canonical(T v) {
    if constexpr (std::is_same_v<T, f32>) return v != v ? get<f32>(0x7fffffffu) : v;
    else return v;
}

inline f32 to_float(bf16 v) { return get<f32>((u32)v.bits << 16); }
inline bf16 to_bfloat(f32 v) {
    if (v != v) return {0x7fff};
    u32 bits;
    memcpy(&bits, &v, sizeof bits);
    return {(u16)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

// float32 and half types are exact in float64, so a conversion by way of it rounds once.  Only
// float64 -> bfloat16, which NVRTC's headers do in two steps themselves, would round twice.
template <class S> inline f64 widen(S v) {
    if constexpr (std::is_same_v<S, bf16>) return to_float(v);
    else return (f64)v;
}
template <class D> inline D narrow(f64 v) {
    if constexpr (std::is_same_v<D, bf16>) return to_bfloat((f32)v);
    else if constexpr (std::is_same_v<D, f16>) return v != v ? get<f16>((u16)0x7fff) : (f16)v;
    else return canonical((D)v);
}
template <class T> inline u16 half_bits(T v) {
    u16 bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

enum Rounding { RN, RZ, RM, RP };
inline f64 round_as(f64 v, Rounding mode) {
    switch (mode) {
    case RN: return std::nearbyint(v);
    case RZ: return std::trunc(v);
    case RM: return std::floor(v);
    default: return std::ceil(v);
    }
}

// PTX: float to integer saturates to the range of the destination, NaN becomes 0 (and for
// 64-bit destinations 0x8000000000000000).
template <class D> inline D to_integer(f64 v, Rounding mode) {
    typedef std::numeric_limits<D> Range;
    if (v != v) return sizeof(D) == 8 ? (D)0x8000000000000000ull : (D)0;
    v = round_as(v, mode);
    if (v <= (f64)Range::min()) return Range::min();
    if (v >= (f64)Range::max()) return Range::max();
    return (D)v;
}

// min and max: the other operand where one is NaN, and -0 is below +0.
template <class T> inline T smaller(T a, T b) {
    if constexpr (is_integer<T>) return a < b ? a : b;
    else if (a != a || b != b) return canonical(a != a ? b : a);
    else if (a == b) return std::signbit(a) ? a : b;
    else return a < b ? a : b;
}
template <class T> inline T larger(T a, T b) {
    if constexpr (is_integer<T>) return a > b ? a : b;
    else if (a != a || b != b) return canonical(a != a ? b : a);
    else if (a == b) return std::signbit(a) ? b : a;
    else return a > b ? a : b;
}
// .NaN: NaN where either is.
template <class T> inline T smaller_nan(T a, T b) {
    return a != a || b != b ? canonical(std::numeric_limits<T>::quiet_NaN()) : smaller(a, b);
}
template <class T> inline T larger_nan(T a, T b) {
    return a != a || b != b ? canonical(std::numeric_limits<T>::quiet_NaN()) : larger(a, b);
}

// ---- integers

template <class T> inline T quotient(T a, T b) {
    if (b == 0) throw std::runtime_error("integer division by zero");
    if constexpr (std::is_signed_v<T>)
        if (b == -1) return (T)(0 - (u64)a);  // the most negative number has no positive
    return a / b;
}
template <class T> inline T remainder_of(T a, T b) {
    if (b == 0) throw std::runtime_error("integer remainder by zero");
    if constexpr (std::is_signed_v<T>)
        if (b == -1) return 0;
    return a % b;
}
// Shifts by the width and more are defined in PTX.
template <class T> inline T shift_left(T a, u32 n) {
    return n >= sizeof(T) * 8 ? 0 : (T)((std::make_unsigned_t<T>)a << n);
}
template <class T> inline T shift_right(T a, u32 n) {
    if (n < sizeof(T) * 8) return (T)(a >> n);
    return std::is_signed_v<T> && a < 0 ? (T)-1 : (T)0;
}
template <class T> inline T reverse_bits(T a) {
    T result = 0;
    for (u32 i = 0; i < sizeof(T) * 8; ++i) result |= (T)(a >> i & 1) << (sizeof(T) * 8 - 1 - i);
    return result;
}
// Between integers, clamped to the range of the destination.
template <class D, class S> inline D saturate(S v) {
    typedef std::numeric_limits<D> Range;
    const s128 wide = v;
    return wide < (s128)Range::min() ? Range::min()
         : wide > (s128)Range::max() ? Range::max() : (D)v;
}
// A field of `length` bits from `start`, extended as T says.
template <class T> inline T extract(T a, u32 start, u32 length) {
    const u32 width = sizeof(T) * 8;
    start &= 0xff;
    length &= 0xff;
    if (length == 0) return 0;
    std::make_unsigned_t<T> result = 0;
    const u32 top = start + length - 1 < width - 1 ? start + length - 1 : width - 1;
    const bool sign = std::is_signed_v<T> && ((std::make_unsigned_t<T>)a >> top & 1);
    for (u32 i = 0; i < width; ++i) {
        const bool bit = i < length && start + i < width
            ? (std::make_unsigned_t<T>)a >> (start + i) & 1 : sign;
        result |= (std::make_unsigned_t<T>)bit << i;
    }
    return (T)result;
}
template <class T> inline T insert(T field, T into, u32 start, u32 length) {
    const u32 width = sizeof(T) * 8;
    for (u32 i = 0; i < (length & 0xff) && (start & 0xff) + i < width; ++i) {
        const T bit = (T)1 << ((start & 0xff) + i);
        into = (field >> i & 1) ? (T)(into | bit) : (T)(into & ~bit);
    }
    return into;
}
// Bytes of {b, a} picked by the four nibbles of a selector; the top bit repeats the sign.
inline u32 permute_bytes(u32 a, u32 b, u32 selector) {
    const u64 bytes = (u64)b << 32 | a;
    u32 result = 0;
    for (int i = 0; i < 4; ++i) {
        const u32 pick = selector >> (4 * i) & 15;
        u32 byte = (u32)(bytes >> (8 * (pick & 7))) & 0xff;
        if (pick & 8) byte = byte & 0x80 ? 0xff : 0;
        result |= byte << (8 * i);
    }
    return result;
}
// Any function of three bits, by its truth table.
inline u32 logic3(u32 a, u32 b, u32 c, u32 table) {
    u32 result = 0;
    for (u32 i = 0; i < 8; ++i)
        if (table >> i & 1) result |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
    return result;
}
// Funnel shift of {high, low}.
inline u32 funnel_left(u32 low, u32 high, u32 n, bool wrap) {
    n = wrap ? n & 31 : n > 32 ? 32 : n;
    return (u32)(((u64)high << 32 | low) << n >> 32);
}
inline u32 funnel_right(u32 low, u32 high, u32 n, bool wrap) {
    n = wrap ? n & 31 : n > 32 ? 32 : n;
    return (u32)(((u64)high << 32 | low) >> n);
}
