// Work at one limit of the device and nothing else, for shares to be measured against: reading memory, updating it, and multiply-adds
// on the ordinary cores and on tensor cores (mma.sync, which Hopper runs at about two thirds of what its own wgmma reaches).
#include "common.cuh"

constexpr int THREADS = 256;
constexpr int CHAINS = 8; // independent sums of a warp or thread: more than the latency of a multiply-add

// Each thread has four 16-byte loads under way.
extern "C" __global__ void __launch_bounds__(THREADS) limit_read_f32(float* sink, const float* x, int n) {
    __shared__ float scratch[THREADS / WARP];
    const float4* v = reinterpret_cast<const float4*>(x);
    size_t count = static_cast<size_t>(n) / 4, stride = static_cast<size_t>(gridDim.x) * THREADS;
    float sum = 0.0f;
    for (size_t i = static_cast<size_t>(blockIdx.x) * THREADS + threadIdx.x; i < count; i += 4 * stride) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            size_t at = i + j * stride;
            if (at < count) {
                float4 f = v[at];
                sum += f.x + f.y + (f.z + f.w);
            }
        }
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) sink[blockIdx.x] = sum;
}

extern "C" __global__ void __launch_bounds__(THREADS) limit_update_f32(float* x, int n) {
    float4* v = reinterpret_cast<float4*>(x);
    size_t count = static_cast<size_t>(n) / 4, stride = static_cast<size_t>(gridDim.x) * THREADS;
    for (size_t i = static_cast<size_t>(blockIdx.x) * THREADS + threadIdx.x; i < count; i += 4 * stride) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            size_t at = i + j * stride;
            if (at < count) {
                float4 f = v[at];
                v[at] = make_float4(f.x * 0.5f, f.y * 0.5f, f.z * 0.5f, f.w * 0.5f);
            }
        }
    }
}

// 2 * CHAINS operations a thread and round.
extern "C" __global__ void __launch_bounds__(THREADS) limit_fma_f32(float* sink, int rounds, float factor) {
    float sums[CHAINS];
#pragma unroll
    for (int c = 0; c < CHAINS; c++) sums[c] = static_cast<float>(threadIdx.x + c);
    for (int r = 0; r < rounds; r++) {
#pragma unroll
        for (int c = 0; c < CHAINS; c++) sums[c] = fmaf(sums[c], factor, 1.0f);
    }
    float sum = 0.0f;
#pragma unroll
    for (int c = 0; c < CHAINS; c++) sum += sums[c];
    sink[blockIdx.x * THREADS + threadIdx.x] = sum;
}

template <class Mma>
__device__ void mma_chains(float* sink, int rounds, unsigned operand, Mma mma) {
    float sums[CHAINS][4];
    unsigned a[4] = {operand, operand, operand, operand}, b[2] = {operand, operand};
#pragma unroll
    for (int c = 0; c < CHAINS; c++) {
        sums[c][0] = sums[c][1] = sums[c][2] = sums[c][3] = static_cast<float>(c);
    }
    for (int r = 0; r < rounds; r++) {
#pragma unroll
        for (int c = 0; c < CHAINS; c++) mma(sums[c], a, b);
    }
    float sum = 0.0f;
#pragma unroll
    for (int c = 0; c < CHAINS; c++) sum += sums[c][0] + sums[c][1] + (sums[c][2] + sums[c][3]);
    sink[blockIdx.x * THREADS + threadIdx.x] = sum;
}

// 4096 * CHAINS operations a warp and round.
extern "C" __global__ void __launch_bounds__(THREADS) limit_mma_bf16(float* sink, int rounds, int operand) {
    mma_chains(sink, rounds, static_cast<unsigned>(operand), [](float(&d)[4], const unsigned(&a)[4], const unsigned(&b)[2]) {
        mma_bf16(d, a, b);
    });
}

// 2048 * CHAINS operations a warp and round.
extern "C" __global__ void __launch_bounds__(THREADS) limit_mma_tf32(float* sink, int rounds, int operand) {
    mma_chains(sink, rounds, static_cast<unsigned>(operand), [](float(&d)[4], const unsigned(&a)[4], const unsigned(&b)[2]) {
        mma_tf32(d, a, b);
    });
}
