// Products of matrices, exact products; see gemm.cuh. The two letters: whether A and B are transposed.
#include "gemm.cuh"

using Small = TileShape<Precision::F32, 64>;

extern "C" __global__ void __launch_bounds__(Small::THREADS, 2) gemm_nn_64_f32(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Small, false, false>(c, a, b, m, n, k, accumulate);
}

extern "C" __global__ void __launch_bounds__(Small::THREADS, 2) gemm_nt_64_f32(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Small, false, true>(c, a, b, m, n, k, accumulate);
}

extern "C" __global__ void __launch_bounds__(Small::THREADS, 2) gemm_tn_64_f32(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Small, true, false>(c, a, b, m, n, k, accumulate);
}

extern "C" __global__ void __launch_bounds__(Small::THREADS, 2) gemm_tt_64_f32(
        float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    gemm<Small, true, true>(c, a, b, m, n, k, accumulate);
}
