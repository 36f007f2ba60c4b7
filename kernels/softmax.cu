// Softmax and cross-entropy of rows, forward and backward.
//
// All are limited by memory. A block a row (PER elements a thread a block width apart, so that a warp's accesses are
// contiguous), which goes through it once for its maximum and sum: each thread keeps a maximum and a sum of its own,
// rescaled when the maximum grows, for PER elements at a time, and they are brought together at the end (Milakov and
// Gimelshein 2018). There are no barriers on the way, and blocks of 256 threads, several on a multiprocessor, cover each
// other's ends. Rows of up to PER elements a thread (2048) stay in registers for the second step; longer ones are read
// again, from the L2 cache. The logits of cross-entropy are only read.
//
// Accuracy: exponents are differences rounded once (fma); sums of a thread are f32, of the block f64.
//
// Reference: cpu/ScalarSoftmaxKernels.java.
#include "common.cuh"

constexpr int PER = 8;
constexpr int MAX_THREADS = 256;

__device__ __forceinline__ int step() {
    return PER * static_cast<int>(blockDim.x);
}

__device__ __forceinline__ int column(int first, int j) {
    return first + j * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x);
}

__device__ __forceinline__ float infinity() {
    return __int_as_float(0x7f800000);
}

__device__ __forceinline__ void load(float (&v)[PER], const float* row, int first, int cols, float rest) {
#pragma unroll
    for (int j = 0; j < PER; j++) {
        int c = column(first, j);
        v[j] = c < cols ? row[c] : rest;
    }
}

// max of s and sum of exp(s - max), s = alpha x, over the elements of the row; NaN anywhere makes the sum NaN. `v` is left
// holding the last step, all of the row if it is not longer than one.
__device__ __forceinline__ void row_max_and_sum(float (&v)[PER], const float* row, int cols, float alpha, float& max_of_row,
                                                double& sum_of_row) {
    __shared__ float scratch_max[MAX_THREADS / WARP];
    __shared__ double scratch_sum[MAX_THREADS / WARP];
    float greatest = -infinity();
    float sum = 0.0f;
    for (int first = 0; first < cols; first += step()) {
        load(v, row, first, cols, 0.0f);
        float before = greatest;
#pragma unroll
        for (int j = 0; j < PER; j++) {
            if (column(first, j) < cols) greatest = fmaxf(greatest, alpha * v[j]);
        }
        float shift = greatest == -infinity() ? 0.0f : greatest; // e^(-inf + inf) is none of the row's
        sum *= expf(before - shift);
#pragma unroll
        for (int j = 0; j < PER; j++) {
            if (column(first, j) < cols) sum += expf(fmaf(alpha, v[j], -shift));
        }
    }
    max_of_row = block_max(greatest, scratch_max);
    float part = greatest == max_of_row ? sum : sum * expf(greatest - max_of_row);
    sum_of_row = block_sum(static_cast<double>(part), scratch_sum);
}

// y = exp(alpha x) / sum. One block a row. y may be x.
extern "C" __global__ void softmax_forward_f32(float* y, const float* x, float alpha, int cols) {
    size_t base = static_cast<size_t>(blockIdx.x) * cols;
    float v[PER];
    float greatest;
    double sum;
    row_max_and_sum(v, x + base, cols, alpha, greatest, sum);
    float factor = 1.0f / static_cast<float>(sum);
    for (int first = 0; first < cols; first += step()) {
        if (step() < cols) load(v, x + base, first, cols, 0.0f);
#pragma unroll
        for (int j = 0; j < PER; j++) {
            int c = column(first, j);
            if (c < cols) y[base + c] = expf(fmaf(alpha, v[j], -greatest)) * factor;
        }
    }
}

// dx = alpha y (dy - <dy, y>). One block a row. dx may be dy.
extern "C" __global__ void softmax_backward_f32(float* dx, const float* dy, const float* y, float alpha, int cols) {
    __shared__ double scratch[MAX_THREADS / WARP];
    size_t base = static_cast<size_t>(blockIdx.x) * cols;
    float d[PER], p[PER];
    double sum = 0.0;
    for (int first = 0; first < cols; first += step()) {
        load(d, dy + base, first, cols, 0.0f);
        load(p, y + base, first, cols, 0.0f);
        float part = 0.0f;
#pragma unroll
        for (int j = 0; j < PER; j++) part = fmaf(d[j], p[j], part);
        sum += part;
    }
    float dot = static_cast<float>(block_sum(sum, scratch));
    for (int first = 0; first < cols; first += step()) {
        if (step() < cols) {
            load(d, dy + base, first, cols, 0.0f);
            load(p, y + base, first, cols, 0.0f);
        }
#pragma unroll
        for (int j = 0; j < PER; j++) {
            int c = column(first, j);
            if (c < cols) dx[base + c] = alpha * p[j] * (d[j] - dot);
        }
    }
}

// loss = log(sum of exp(logits)) - logits[target]; NaN where the target is none of the classes. One block a row.
extern "C" __global__ void cross_entropy_forward_f32(float* loss, float* log_sum_exp, const float* logits, const int* targets,
                                                     int cols) {
    const float* row = logits + static_cast<size_t>(blockIdx.x) * cols;
    float v[PER];
    float greatest;
    double sum;
    row_max_and_sum(v, row, cols, 1.0f, greatest, sum);
    if (threadIdx.x == 0) {
        double log_sum = log(sum);
        log_sum_exp[blockIdx.x] = static_cast<float>(greatest + log_sum);
        int target = targets[blockIdx.x];
        float wanted = target >= 0 && target < cols ? row[target] : __int_as_float(0x7fffffff);
        loss[blockIdx.x] = static_cast<float>(static_cast<double>(greatest) - wanted + log_sum);
    }
}

// dLogits = dLoss (exp(logits - log_sum_exp) - [c == target]). blockIdx.x = row * tiles + tile of `step()` columns. dLogits
// may be logits.
extern "C" __global__ void cross_entropy_backward_f32(float* d_logits, const float* d_loss, const float* logits,
                                                      const float* log_sum_exp, const int* targets, int cols, int tiles) {
    int r = static_cast<int>(blockIdx.x) / tiles;
    int first = static_cast<int>(blockIdx.x) % tiles * step();
    size_t base = static_cast<size_t>(r) * cols;
    float v[PER];
    load(v, logits + base, first, cols, 0.0f);
    float log_sum = log_sum_exp[r];
    float d = d_loss[r];
    int target = targets[r];
#pragma unroll
    for (int j = 0; j < PER; j++) {
        int c = column(first, j);
        // A probability near 1 less 1 has few bits left, so it is computed as one.
        if (c < cols) d_logits[base + c] = d * (c == target ? expm1f(v[j] - log_sum) : expf(v[j] - log_sum));
    }
}
