// C = op(A) op(B), or C += op(A) op(B), for each matrix of a batch: what gemm_<precision>.cu are made of. Four files, because a
// backend has one precision and the driver compiles a file when it is loaded.
//
// A tile of C for each block (tile.cuh): blockIdx.x along columns, blockIdx.y along rows, blockIdx.z the matrix. The launcher takes
// tiles of 128 x 128 if there are enough of them for all multiprocessors, else of 64 x 64.
//
// Reference: cpu/ScalarGemmKernels.java.
#pragma once

#include "tile.cuh"

template <class Shape, bool TRANS_A, bool TRANS_B>
__device__ __forceinline__ void gemm(float* c, const float* a, const float* b, int m, int n, int k, int accumulate) {
    using A = std::conditional_t<TRANS_A, MatrixAlongRows, MatrixAlongK>;
    using B = std::conditional_t<TRANS_B, MatrixAlongK, MatrixAlongRows>;
    size_t z = blockIdx.z;
    A rows{a + z * m * k, m, k, (TRANS_A ? m : k) % 4 == 0};
    B columns{b + z * n * k, n, k, (TRANS_B ? k : n) % 4 == 0};
    MatrixStore store{c + z * m * n, n, accumulate != 0};
    tile_product<Shape>(rows, columns, store, static_cast<int>(blockIdx.y) * Shape::ROWS,
                        static_cast<int>(blockIdx.x) * Shape::COLS, m, n, 0, k);
}
