// What every kernel file starts from. Compiled by nvcc to PTX (build.sh), and by a C++ compiler against the emulator
// (emulator/), which runs the same source with one fibre a CUDA thread.
//
// Rules of all kernels:
//  - extern "C" __global__ void <op>_<variant>_<dtype>(outputs, inputs, sizes). Pointers are 256-byte aligned at the start of a
//    storage, sizes are int, element counts of a storage stay below 2^31. An optional argument is a null pointer.
//  - No size has to be a multiple of anything: a kernel has a path for the rest.
//  - Sums have a fixed order: the same call gives the same bits. Float atomics are not used.
//  - Shared memory beyond 48 KB is dynamic: DYNAMIC_SHARED, and the launcher asks for it.
//  - Collectives (barriers, shuffles, mma) are reached by all threads of the block or warp: no early return before one.
#pragma once

#ifdef __CUDACC__

#include <cstdint>

#define DYNAMIC_SHARED(type, name)                                   \
    extern __shared__ __align__(16) unsigned char dynamic_shared[];  \
    type* name = reinterpret_cast<type*>(dynamic_shared)

#else

#include "emulator/cuda.h"

#define DYNAMIC_SHARED(type, name) type* name = reinterpret_cast<type*>(emulator::dynamic_shared())

#endif

constexpr unsigned FULL_WARP = 0xffffffffu;
constexpr int WARP = 32;

using bf16 = uint16_t; // the upper half of an f32

// ---- bf16 -----------------------------------------------------------------------------------------------------------------

__device__ __forceinline__ float bf16_to_float(bf16 h) {
    return __uint_as_float(static_cast<unsigned>(h) << 16);
}

// Round to nearest even; NaN stays NaN.
__device__ __forceinline__ bf16 float_to_bf16(float x) {
#ifdef __CUDACC__
    bf16 h;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(h) : "f"(x));
    return h;
#else
    unsigned u = __float_as_uint(x);
    if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return static_cast<bf16>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
#endif
}

// Two in one register, `low` in the lower half: what mma takes.
__device__ __forceinline__ unsigned pack_bf16(float low, float high) {
#ifdef __CUDACC__
    unsigned r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
#else
    return static_cast<unsigned>(float_to_bf16(low)) | static_cast<unsigned>(float_to_bf16(high)) << 16;
#endif
}

// f32 with its mantissa rounded to the 10 bits that tf32 mma reads.
__device__ __forceinline__ unsigned float_to_tf32(float x) {
#ifdef __CUDACC__
    unsigned r;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
    return r;
#else
    unsigned u = __float_as_uint(x);
    return (u & 0x7f800000u) == 0x7f800000u ? u : (u + 0x1000u) & 0xffffe000u;
#endif
}

// ---- tensor cores (sm_80): D = A B + D with f32 sums, collectives of a warp ------------------------------------------------
// Fragments, with g = lane / 4 and t = lane % 4: d = {(g, 2t), (g, 2t+1), (g+8, 2t), (g+8, 2t+1)} of D (16 x 8).
// bf16: a = {(g, 2t..), (g+8, 2t..), (g, 2t+8..), (g+8, 2t+8..)} of A (16 x 16), pairs along k; b = {(2t.., g), (2t+8.., g)} of
// B (16 x 8). tf32: a = {(g, t), (g+8, t), (g, t+4), (g+8, t+4)} of A (16 x 8); b = {(t, g), (t+4, g)} of B (8 x 8).

__device__ __forceinline__ void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#ifdef __CUDACC__
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    emulator::mma_bf16(d, a, b);
#endif
}

__device__ __forceinline__ void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#ifdef __CUDACC__
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    emulator::mma_tf32(d, a, b);
#endif
}

// Loads four (two) 8x8 matrices of 16-bit elements; lane i gives the address of row i % 8 of matrix i / 8, 16-byte aligned, in
// shared memory. Register j of lane i is elements 2 (i % 4), 2 (i % 4) + 1 of row i / 4 of matrix j; `transposed`: of column i / 4.
__device__ __forceinline__ void ldmatrix_x4(unsigned (&r)[4], const void* row) {
#ifdef __CUDACC__
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
#else
    emulator::ldmatrix(r, 4, row, false);
#endif
}

__device__ __forceinline__ void ldmatrix_x4_transposed(unsigned (&r)[4], const void* row) {
#ifdef __CUDACC__
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
#else
    emulator::ldmatrix(r, 4, row, true);
#endif
}

// ---- asynchronous copies to shared memory ----------------------------------------------------------------------------------

// 16 bytes, both sides 16-byte aligned; zeros instead where `valid` is false.
__device__ __forceinline__ void copy_async_16(void* shared, const void* global, bool valid) {
#ifdef __CUDACC__
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(shared));
    int bytes = valid ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" : : "r"(address), "l"(global), "r"(bytes) : "memory");
#else
    emulator::copy_async(shared, global, valid);
#endif
}

__device__ __forceinline__ void copy_async_commit() {
#ifdef __CUDACC__
    asm volatile("cp.async.commit_group;" : : : "memory");
#else
    emulator::copy_async_commit();
#endif
}

// Waits until at most `pending` groups of this thread's copies are under way; a barrier must follow.
template <int pending>
__device__ __forceinline__ void copy_async_wait() {
#ifdef __CUDACC__
    asm volatile("cp.async.wait_group %0;" : : "n"(pending) : "memory");
#else
    emulator::copy_async_wait(pending);
#endif
}

// A hint that the cache line will be read soon.
__device__ __forceinline__ void prefetch(const void* global) {
#ifdef __CUDACC__
    asm volatile("prefetch.global.L1 [%0];" : : "l"(global));
#else
    (void)global;
#endif
}

// ---- functions -------------------------------------------------------------------------------------------------------------

__device__ __forceinline__ float sigmoid(float x) {
    return 1.0f / (1.0f + expf(-x));
}

__device__ __forceinline__ float silu(float x) {
    return x * sigmoid(x);
}

// log(1 + e^x), the identity above 20 as in the reference model.
__device__ __forceinline__ float softplus(float x) {
    return x > 20.0f ? x : log1pf(expf(x));
}

// 1 / sqrt(mean of squares + eps).
__device__ __forceinline__ float inverse_rms(double squares, double inverse_count, float eps) {
    return 1.0f / sqrtf(static_cast<float>(squares * inverse_count + eps));
}

// ---- reductions ------------------------------------------------------------------------------------------------------------

// Sum over the lanes of a full warp, the same bits in each lane.
template <class T>
__device__ __forceinline__ T warp_sum(T v) {
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) {
        v += __shfl_xor_sync(FULL_WARP, v, lane);
    }
    return v;
}

__device__ __forceinline__ float warp_max(float v) {
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) {
        v = fmaxf(v, __shfl_xor_sync(FULL_WARP, v, lane));
    }
    return v;
}

// Sum over a block of whole warps (one-dimensional), the same bits in each thread. `scratch`: shared, one T a warp; free for reuse
// when this returns.
template <class T>
__device__ __forceinline__ T block_sum(T v, T* scratch) {
    int warps = static_cast<int>(blockDim.x) / WARP;
    v = warp_sum(v);
    if (threadIdx.x % WARP == 0) {
        scratch[threadIdx.x / WARP] = v;
    }
    __syncthreads();
    T sum = scratch[0];
    for (int w = 1; w < warps; w++) {
        sum += scratch[w];
    }
    __syncthreads();
    return sum;
}

// As block_sum for the greatest value.
__device__ __forceinline__ float block_max(float v, float* scratch) {
    int warps = static_cast<int>(blockDim.x) / WARP;
    v = warp_max(v);
    if (threadIdx.x % WARP == 0) {
        scratch[threadIdx.x / WARP] = v;
    }
    __syncthreads();
    float greatest = scratch[0];
    for (int w = 1; w < warps; w++) {
        greatest = fmaxf(greatest, scratch[w]);
    }
    __syncthreads();
    return greatest;
}
