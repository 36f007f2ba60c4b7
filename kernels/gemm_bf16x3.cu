// Products of matrices, operands in two bf16 numbers; see gemm.cuh. The two letters: whether A and B are transposed.
#include "gemm.cuh"

using Small = TileShape<Precision::BF16X3, 64>;

extern "C" __global__ void __launch_bounds__(Small::THREADS, 4) gemm_nn_64_bf16x3(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Small, false, false>(c, a, b, m, n, k, accumulate);
}

extern "C" __global__ void __launch_bounds__(Small::THREADS, 4) gemm_nt_64_bf16x3(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Small, false, true>(c, a, b, m, n, k, accumulate);
}

extern "C" __global__ void __launch_bounds__(Small::THREADS, 4) gemm_tn_64_bf16x3(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Small, true, false>(c, a, b, m, n, k, accumulate);
}

extern "C" __global__ void __launch_bounds__(Small::THREADS, 4) gemm_tt_64_bf16x3(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Small, true, true>(c, a, b, m, n, k, accumulate);
}

using Large = TileShape<Precision::BF16X3, 128>;

extern "C" __global__ void __launch_bounds__(Large::THREADS, 2) gemm_nn_128_bf16x3(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Large, false, false>(c, a, b, m, n, k, accumulate);
}

extern "C" __global__ void __launch_bounds__(Large::THREADS, 2) gemm_nt_128_bf16x3(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Large, false, true>(c, a, b, m, n, k, accumulate);
}

extern "C" __global__ void __launch_bounds__(Large::THREADS, 2) gemm_tn_128_bf16x3(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Large, true, false>(c, a, b, m, n, k, accumulate);
}
