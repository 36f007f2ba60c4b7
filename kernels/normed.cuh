// A normalisation and the linear layer behind it in one launch, for few rows: what a decoding step does with its activations between
// two reads of weights.
//
//   linear_normed_<format>_<R>: y = n W^T with n one of
//     gated      v = a silu(b), n = v / rms(v) weight, or with norm_first n = a / rms(a) weight silu(b): norm.cu, gated_rms_norm_forward_f32
//     residual   v = a b + residual, n = v / rms(v) weight (1 + scale) + shift: norm.cu, gate_add_rms_norm_f32; `sum` becomes v
//
// All of n is needed by every row of W, so every block computes it, into shared memory. That costs each block time, but no
// launch, and the first weights are on their way from memory while it does. To do it seldom, a block has as many warps of
// linear.cuh as there must be for each multiprocessor to have one block; further warps help with the norm and return.
//
//   Same bits as the two kernels: the sum of a row is made of the same threads' sums in the same order. A warp here does the work
//   of several warps there ("tasks": a row, a group of it and a warp of its block), one after the other.
//   Only block 0 writes `sum`; nobody reads it here.
//
// Limits: rows <= R; rows of W and n are multiples of 16 bytes. Dynamic shared memory: rings, n, and the tasks' sums.
#pragma once

#include "linear.cuh"

constexpr int PER = 8; // as in norm.cu
constexpr int MAX_THREADS = 512;

struct Norm {
    float* sum; // may be null
    const float *a, *b, *residual, *weight, *shift, *scale; // residual null: gated; shift and scale may be null
    int warps_of_row, groups, norm_first;                   // warps that norm.cu has for a group of a row
    double inverse_width;
    float eps;
};

// n (rows, in), in shared memory. sums: shared, one for each task. Called by all threads.
__device__ __forceinline__ void normalise(float* n, double* sums, const Norm& norm, int rows, int in) {
    int lane = static_cast<int>(threadIdx.x) % WARP;
    int warp = static_cast<int>(threadIdx.x) / WARP, warps = static_cast<int>(blockDim.x) / WARP;
    int width = in / norm.groups;
    int threads = norm.warps_of_row * WARP;
    int tasks = rows * norm.groups * norm.warps_of_row;
    bool gated = norm.residual == nullptr;
    for (int task = warp; task < tasks; task += warps) {
        int base = task / norm.warps_of_row * width; // of the group in (rows, in)
        int own = task % norm.warps_of_row * WARP + lane;
        int shared_by_rows = base % in;
        double squares = 0.0;
        for (int first = 0; first < width; first += PER * threads) {
            float a[PER], b[PER], r[PER];
#pragma unroll
            for (int j = 0; j < PER; j++) {
                int c = first + j * threads + own;
                bool valid = c < width;
                a[j] = valid ? norm.a[base + c] : 0.0f;
                b[j] = valid ? norm.b[base + c] : 0.0f;
                r[j] = valid && !gated ? norm.residual[base + c] : 0.0f;
                if (!valid) continue;
                prefetch(norm.weight + shared_by_rows + c);
                if (norm.shift != nullptr) {
                    prefetch(norm.shift + base + c);
                    prefetch(norm.scale + base + c);
                }
            }
            float part = 0.0f;
#pragma unroll
            for (int j = 0; j < PER; j++) {
                int c = first + j * threads + own;
                float v = gated ? a[j] * silu(b[j]) : __fadd_rn(__fmul_rn(a[j], b[j]), r[j]);
                float summed = gated && norm.norm_first ? a[j] : v;
                part = fmaf(summed, summed, part);
                if (c < width) {
                    n[base + c] = v;
                    if (norm.sum != nullptr && blockIdx.x == 0) norm.sum[base + c] = v;
                }
            }
            squares += part;
        }
        squares = warp_sum(squares);
        if (lane == 0) sums[task] = squares;
    }
    __syncthreads();
    for (int task = warp; task < tasks; task += warps) {
        int base = task / norm.warps_of_row * width;
        int own = task % norm.warps_of_row * WARP + lane;
        int shared_by_rows = base % in;
        const double* of_row = sums + task / norm.warps_of_row * norm.warps_of_row;
        double squares = of_row[0];
        for (int i = 1; i < norm.warps_of_row; i++) squares += of_row[i];
        float inv = inverse_rms(squares, norm.inverse_width, norm.eps);
        for (int first = 0; first < width; first += PER * threads) {
#pragma unroll
            for (int j = 0; j < PER; j++) {
                int c = first + j * threads + own;
                if (c >= width) continue;
                float normed = n[base + c] * inv * norm.weight[shared_by_rows + c];
                n[base + c] = norm.shift == nullptr ? normed : fmaf(normed, 1.0f + norm.scale[base + c], norm.shift[base + c]);
            }
        }
    }
    __syncthreads();
}

#define NORMED_PARAMETERS                                                                                                      \
    float *y, float *convolved, float *after, float *state, float *sum, const float *a, const float *b, const float *residual, \
        const float *weight, const float *shift, const float *scale, const unsigned char *w, const float *scales,             \
        const float *bias, const float *conv_w, const float *conv_bias, int rows, int out, int in, int columns, int channels, \
        int with_silu, int streams, int warps_of_row, int groups, int norm_first, double inverse_width, float eps
#define NORMED_ARGUMENTS                                                                                     \
    {y, convolved, after, state, bias, conv_w, conv_bias, columns, channels, with_silu},                     \
        {sum, a, b, residual, weight, shift, scale, warps_of_row, groups, norm_first, inverse_width, eps}, w, scales, rows, out, in, streams

// `streams`: warps of a block that have rows of W.
template <Format F, int R>
__device__ __forceinline__ void linear_normed(const Columns& to, const Norm& norm, const unsigned char* w, const float* scales, int rows,
                                              int out, int in, int streams) {
    using S = Stream<F, R>;
    constexpr int SCALE_STAGES = F == Format::INT4 ? S::STAGES : 0;
    DYNAMIC_SHARED(unsigned char, shared);
    int warp = static_cast<int>(threadIdx.x) / WARP;
    auto* rings = reinterpret_cast<uint4(*)[WARP]>(shared);
    auto* scale_rings = reinterpret_cast<float(*)[WARP]>(rings + streams * S::STAGES);
    double* sums = reinterpret_cast<double*>(scale_rings + streams * SCALE_STAGES);
    float* n = reinterpret_cast<float*>(sums + (rows * norm.groups * norm.warps_of_row + 1) / 2 * 2); // 16 bytes aligned
    bool active = warp < streams;
    stream<F, R, true, true>(rings + (active ? warp * S::STAGES : 0), scale_rings + (active ? warp * SCALE_STAGES : 0), to, n, w,
                             scales, rows, out, in, static_cast<int>(blockIdx.x) * streams + warp, 0, active,
                             [&] { normalise(n, sums, norm, rows, in); });
}
