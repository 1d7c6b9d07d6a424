// Lets g++ compile the source of a kernel and run it thread by thread, in a random order.
//
// For kernels whose threads do not wait for each other: __syncthreads, warp-wide functions and
// __shared__ are not here, so that a source that uses them does not compile.  (The PTX machine
// has them.)
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#include <xmmintrin.h>

#define __global__
#define __device__
#define __host__
#define __constant__ const
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

struct uint3 { unsigned x, y, z; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };

namespace shim {
inline thread_local uint3 thread, block, threads, blocks;
}
#define threadIdx shim::thread
#define blockIdx shim::block
#define blockDim shim::threads
#define gridDim shim::blocks

// Of mixed types, as CUDA has them.
template <class A, class B> inline std::common_type_t<A, B> min(A a, B b)
{
    typedef std::common_type_t<A, B> C;
    return (C)b < (C)a ? (C)b : (C)a;
}
template <class A, class B> inline std::common_type_t<A, B> max(A a, B b)
{
    typedef std::common_type_t<A, B> C;
    return (C)a < (C)b ? (C)b : (C)a;
}
template <class T> inline T __ldg(const T *from) { return *from; }
template <class T> inline T __ldcs(const T *from) { return *from; }
template <class T> inline void __stcs(T *to, T value) { *to = value; }
template <class T> inline void __stcg(T *to, T value) { *to = value; }

namespace shim {

// What a parameter is, for the check of arguments: p(ointer), f(loat), s(igned), u(nsigned) or
// b(ytes).
template <class P> constexpr char kind()
{
    if (std::is_pointer_v<P>) return 'p';
    if (std::is_floating_point_v<P>) return 'f';
    if (std::is_integral_v<P>) return std::is_signed_v<P> ? 's' : 'u';
    return 'b';
}
template <class... P> int describe(void (*)(P...), char *kinds, int *sizes)
{
    int n = 0;
    ((kinds[n] = kind<P>(), sizes[n++] = sizeof(P)), ...);
    return n;
}

struct Shape { unsigned grid[3], block[3]; uint64_t seed; };

template <class... P, size_t... i>
void call(void (*kernel)(P...), void **arguments, std::index_sequence<i...>)
{
    kernel(*(std::remove_const_t<P> *)arguments[i]...);
}

inline uint3 place(uint64_t linear, const unsigned *size)
{
    return {(unsigned)(linear % size[0]), (unsigned)(linear / size[0] % size[1]),
            (unsigned)(linear / size[0] / size[1])};
}

template <class... P> void run(void (*kernel)(P...), const Shape &s, void **arguments)
{
    _mm_setcsr(_mm_getcsr() | 0x8040);  // float32 subnormals are flushed, as by -ftz=true
    std::mt19937_64 random(s.seed);
    std::vector<uint64_t> blocks_left((uint64_t)s.grid[0] * s.grid[1] * s.grid[2]);
    std::vector<unsigned> threads_left(s.block[0] * s.block[1] * s.block[2]);
    for (size_t i = 0; i < blocks_left.size(); ++i) blocks_left[i] = i;
    for (size_t i = 0; i < threads_left.size(); ++i) threads_left[i] = i;
    if (s.seed) std::shuffle(blocks_left.begin(), blocks_left.end(), random);
    blocks = {s.grid[0], s.grid[1], s.grid[2]};
    threads = {s.block[0], s.block[1], s.block[2]};
    for (uint64_t b : blocks_left) {
        block = place(b, s.grid);
        if (s.seed) std::shuffle(threads_left.begin(), threads_left.end(), random);
        for (unsigned t : threads_left) {
            thread = place(t, s.block);
            call(kernel, arguments, std::index_sequence_for<P...>());
        }
    }
    _mm_setcsr(_mm_getcsr() & ~0x8040u);
}

}  // namespace shim

// glibc has a function of this name, which CUDA has not.
#define finite finite_in_the_source

#define EXPORT(NAME) \
    extern "C" int describe_##NAME(char *kinds, int *sizes) \
    { \
        return shim::describe(NAME, kinds, sizes); \
    } \
    extern "C" void launch_##NAME(const shim::Shape *shape, void **arguments) \
    { \
        shim::run(NAME, *shape, arguments); \
    }
