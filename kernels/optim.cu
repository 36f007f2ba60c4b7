// Parameter updates in place: AdamW and the moving average of weights.
//
// Limited by memory (28 bytes an element for AdamW, 12 for the average): a thread takes ITEMS elements a block width apart.
// Every operation is rounded by itself, without fused multiply-adds, in the order of the CPU reference: training steps give
// the same bits on either, and the arithmetic is free beside the memory.
//
// Reference: cpu/ScalarOptimKernels.java.
#include "common.cuh"

constexpr int THREADS = 256;
constexpr int ITEMS = 4;

// Index of item j of this thread; the launcher starts ceil(n / (THREADS * ITEMS)) blocks.
__device__ __forceinline__ int item(int j) {
    return (static_cast<int>(blockIdx.x) * ITEMS + j) * THREADS + static_cast<int>(threadIdx.x);
}

// w -= decay w; m = beta1 m + rest1 g; v = beta2 v + rest2 g^2; w -= lr (m / correction1) / (sqrt(v / correction2) + eps),
// with g the scaled gradient, decay = lr weightDecay and rest = 1 - beta.
extern "C" __global__ void adam_w_f32(float* w, float* m, float* v, const float* g, float lr, float beta1, float beta2,
                                      float rest1, float rest2, float eps, float decay, float grad_scale, float correction1,
                                      float correction2, int n) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) {
            float grad = __fmul_rn(g[i], grad_scale);
            float weight = __fadd_rn(w[i], -__fmul_rn(decay, w[i]));
            float mean = __fadd_rn(__fmul_rn(beta1, m[i]), __fmul_rn(rest1, grad));
            float square = __fadd_rn(__fmul_rn(beta2, v[i]), __fmul_rn(__fmul_rn(rest2, grad), grad));
            float move = __fmul_rn(lr, mean / correction1) / __fadd_rn(sqrtf(square / correction2), eps);
            m[i] = mean;
            v[i] = square;
            w[i] = __fadd_rn(weight, -move);
        }
    }
}

// average = decay average + rest w, rest = 1 - decay
extern "C" __global__ void ema_f32(float* average, const float* w, float decay, float rest, int n) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) average[i] = __fadd_rn(__fmul_rn(decay, average[i]), __fmul_rn(rest, w[i]));
    }
}
