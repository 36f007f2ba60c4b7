// Batch normalisation of pictures (batch, channels, area): statistics of each channel over all pictures, with given statistics,
// and both gradients.
//
// Sums: one block a channel goes through its planes, each thread every THREADS-th element, in f64; so the order is fixed. A
// channel of a discriminator has some ten thousand elements and there are 64 to 512 channels, enough blocks for the sums, which are
// limited by memory. What is written is one thread an element.
//
// Reference: cpu/scalar/ScalarBatchNorm.java.
#include "common.cuh"

constexpr int THREADS = 256;

// Element k of channel c, counted picture by picture.
__device__ __forceinline__ size_t element(int c, int k, int channels, int area) {
    int picture = k / area;
    return (static_cast<size_t>(picture) * channels + c) * area + (k - picture * area);
}

// Grid: channels.
extern "C" __global__ void channel_moments_f32(float* mean, float* variance, const float* x, int count, int channels, int area) {
    __shared__ double scratch[THREADS / WARP];
    int c = static_cast<int>(blockIdx.x);
    double sum = 0.0;
    for (int k = static_cast<int>(threadIdx.x); k < count; k += THREADS) sum += x[element(c, k, channels, area)];
    double m = block_sum(sum, scratch) / count;
    double squares = 0.0;
    for (int k = static_cast<int>(threadIdx.x); k < count; k += THREADS) {
        double d = x[element(c, k, channels, area)] - m;
        squares += d * d;
    }
    squares = block_sum(squares, scratch);
    if (threadIdx.x == 0) {
        mean[c] = static_cast<float>(m);
        variance[c] = static_cast<float>(squares / count);
    }
}

__device__ __forceinline__ double inverse_deviation(float variance, float eps) {
    return 1.0 / sqrt(static_cast<double>(variance) + eps);
}

extern "C" __global__ void batch_norm_forward_f32(float* y, const float* x, const float* weight, const float* bias,
                                                  const float* mean, const float* variance, int n, int channels, int area,
                                                  float eps) {
    int q = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    if (q >= n) return;
    int c = q / area % channels;
    float scale = static_cast<float>(weight[c] * inverse_deviation(variance[c], eps));
    y[q] = fmaf(x[q] - mean[c], scale, bias[c]);
}

// sums[c] = sum of dy, sums[channels + c] = sum of dy times the normalised x. Grid: channels.
extern "C" __global__ void batch_norm_backward_sums_f32(double* sums, float* d_weight, float* d_bias, const float* dy,
                                                        const float* x, const float* mean, const float* variance, int count,
                                                        int channels, int area, float eps) {
    __shared__ double scratch[THREADS / WARP];
    int c = static_cast<int>(blockIdx.x);
    double sum = 0.0, dot = 0.0;
    for (int k = static_cast<int>(threadIdx.x); k < count; k += THREADS) {
        size_t at = element(c, k, channels, area);
        sum += dy[at];
        dot += static_cast<double>(dy[at]) * (x[at] - mean[c]);
    }
    sum = block_sum(sum, scratch);
    dot = block_sum(dot, scratch) * inverse_deviation(variance[c], eps);
    if (threadIdx.x == 0) {
        sums[c] = sum;
        sums[channels + c] = dot;
        if (d_weight != nullptr) d_weight[c] = static_cast<float>(dot);
        if (d_bias != nullptr) d_bias[c] = static_cast<float>(sum);
    }
}

// sums: of the kernel above, or null if the statistics are constants.
extern "C" __global__ void batch_norm_backward_f32(float* dx, const float* dy, const float* x, const float* weight,
                                                   const float* mean, const float* variance, const double* sums, int n,
                                                   int count, int channels, int area, float eps) {
    int q = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    if (q >= n) return;
    int c = q / area % channels;
    double inverse = inverse_deviation(variance[c], eps);
    double scale = weight[c] * inverse;
    float v = dy[q] * static_cast<float>(scale);
    if (sums != nullptr) {
        float slope = static_cast<float>(-scale * inverse * sums[channels + c] / count);
        float offset = static_cast<float>(-scale * sums[c] / count);
        v += fmaf(x[q] - mean[c], slope, offset);
    }
    dx[q] = v;
}
