// CUDA C++ for a C++ compiler: what common.cuh and the kernels use of it. A block's threads run as fibres of one system thread,
// switched at barriers and warp collectives; blocks run one after another. So `static` does for __shared__.
//
// Stricter than a GPU where that finds mistakes: a barrier that not all threads reach, collectives under different masks, writes
// behind an allocation, asynchronous copies read before they were waited for, and reads of memory never written (NaN) all show.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __shared__ static
#define __constant__ static const
#define __align__(n) __attribute__((aligned(n)))

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};

struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) double2 { double x, y; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace emulator {

struct Thread;
extern Thread* self; // the running CUDA thread
extern dim3 block_index, block_size, grid_size;

const dim3& thread_index();
int lane();
void* dynamic_shared();

void block_barrier();
// A barrier of the lanes in `mask`; returns the 32 values that they brought, valid until the next collective but one.
const uint64_t* warp_exchange(unsigned mask, uint64_t value);
unsigned present_lanes(); // of this warp, those that exist

void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]);
void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]);
void ldmatrix(unsigned* r, int count, const void* row, bool transposed);
void copy_async(void* shared, const void* global, bool valid);
void copy_async_commit();
void copy_async_wait(int pending);

template <class T>
uint64_t bits(T v) {
    static_assert(sizeof(T) <= 8);
    uint64_t u = 0;
    std::memcpy(&u, &v, sizeof v);
    return u;
}

template <class T>
T from_bits(uint64_t u) {
    T v;
    std::memcpy(&v, &u, sizeof v);
    return v;
}

// A kernel by its name: how to call it with an array of pointers to arguments, and the arguments' sizes.
struct Kernel {
    const char* name;
    void (*call)(void* const* arguments);
    std::vector<size_t> sizes;
};

void add(const Kernel& kernel);

template <auto function>
struct Caller;

template <class... A, void (*function)(A...)>
struct Caller<function> {
    template <size_t... i>
    static void unpack(void* const* arguments, std::index_sequence<i...>) {
        function(*static_cast<std::remove_reference_t<A>*>(arguments[i])...);
    }
    static void call(void* const* arguments) { unpack(arguments, std::index_sequence_for<A...>{}); }
    static std::vector<size_t> sizes() { return {sizeof(A)...}; }
};

struct Registration {
    template <class F>
    Registration(const char* name, void (*call)(void* const*), F sizes) { add({name, call, sizes()}); }
};

} // namespace emulator

// Written by build.sh behind each kernel file.
#define EMULATOR_KERNEL(name) \
    static emulator::Registration registration_of_##name(#name, &emulator::Caller<&name>::call, &emulator::Caller<&name>::sizes);

#define threadIdx (emulator::thread_index())
#define blockIdx (emulator::block_index)
#define blockDim (emulator::block_size)
#define gridDim (emulator::grid_size)
constexpr int warpSize = 32;

inline void __syncthreads() { emulator::block_barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { emulator::warp_exchange(mask, 0); }
inline void __threadfence() {}
inline void __threadfence_block() {}

inline int __syncthreads_count(int predicate) {
    static int counts[2];
    static unsigned turn;
    unsigned mine = turn & 1;
    counts[mine] += predicate != 0;
    emulator::block_barrier();
    int sum = counts[mine];
    emulator::block_barrier();
    counts[mine] = 0;
    turn = mine ^ 1;
    emulator::block_barrier();
    return sum;
}
inline int __syncthreads_or(int predicate) { return __syncthreads_count(predicate) > 0; }

template <class T>
T __shfl_sync(unsigned mask, T v, int source, int width = 32) {
    const uint64_t* all = emulator::warp_exchange(mask, emulator::bits(v));
    int base = emulator::lane() & ~(width - 1);
    return emulator::from_bits<T>(all[base + (source & (width - 1))]);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T v, int lanes, int width = 32) {
    const uint64_t* all = emulator::warp_exchange(mask, emulator::bits(v));
    int source = emulator::lane() ^ lanes;
    (void)width;
    return emulator::from_bits<T>(all[source & 31]);
}
template <class T>
T __shfl_up_sync(unsigned mask, T v, unsigned delta, int width = 32) {
    const uint64_t* all = emulator::warp_exchange(mask, emulator::bits(v));
    int lane = emulator::lane();
    int within = lane & (width - 1);
    return emulator::from_bits<T>(all[within >= static_cast<int>(delta) ? lane - static_cast<int>(delta) : lane]);
}
template <class T>
T __shfl_down_sync(unsigned mask, T v, unsigned delta, int width = 32) {
    const uint64_t* all = emulator::warp_exchange(mask, emulator::bits(v));
    int lane = emulator::lane();
    int within = lane & (width - 1);
    return emulator::from_bits<T>(all[within + static_cast<int>(delta) < width ? lane + static_cast<int>(delta) : lane]);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
    const uint64_t* all = emulator::warp_exchange(mask, predicate != 0);
    unsigned present = mask & emulator::present_lanes(), ballot = 0;
    for (int i = 0; i < 32; i++) {
        if (present >> i & 1 && all[i]) ballot |= 1u << i;
    }
    return ballot;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) {
    return __ballot_sync(mask, predicate) == (mask & emulator::present_lanes());
}
inline unsigned __activemask() { return emulator::present_lanes(); }

template <class T>
T atomicAdd(T* at, std::type_identity_t<T> v) {
    T old = *at;
    *at = old + v;
    return old;
}
template <class T>
T atomicMax(T* at, std::type_identity_t<T> v) {
    T old = *at;
    *at = std::max(old, v);
    return old;
}
template <class T>
T atomicMin(T* at, std::type_identity_t<T> v) {
    T old = *at;
    *at = std::min(old, v);
    return old;
}
template <class T>
T atomicOr(T* at, std::type_identity_t<T> v) {
    T old = *at;
    *at = old | v;
    return old;
}
template <class T>
T atomicCAS(T* at, std::type_identity_t<T> expected, std::type_identity_t<T> v) {
    T old = *at;
    if (old == expected) *at = v;
    return old;
}
template <class T>
T atomicExch(T* at, std::type_identity_t<T> v) {
    T old = *at;
    *at = v;
    return old;
}

template <class T>
T __ldg(const T* p) { return *p; }

inline unsigned __float_as_uint(float x) { return emulator::from_bits<unsigned>(emulator::bits(x)); }
inline int __float_as_int(float x) { return emulator::from_bits<int>(emulator::bits(x)); }
inline float __uint_as_float(unsigned x) { return emulator::from_bits<float>(x); }
inline float __int_as_float(int x) { return emulator::from_bits<float>(static_cast<unsigned>(x)); }
inline long long __double_as_longlong(double x) { return emulator::from_bits<long long>(emulator::bits(x)); }
inline double __longlong_as_double(long long x) { return emulator::from_bits<double>(emulator::bits(x)); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
inline float __fmul_rn(float x, float y) { volatile float r = x * y; return r; }
inline float __fadd_rn(float x, float y) { volatile float r = x + y; return r; }
inline double __fma_rn(double x, double y, double z) { return std::fma(x, y, z); }
inline double __dmul_rn(double x, double y) { volatile double r = x * y; return r; }
inline double __dadd_rn(double x, double y) { volatile double r = x + y; return r; }
template <class T>
T min(T a, std::type_identity_t<T> b) { return b < a ? b : a; }
template <class T>
T max(T a, std::type_identity_t<T> b) { return a < b ? b : a; }
