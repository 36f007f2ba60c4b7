package org.aimjvm.cuda;

import org.aimjvm.tensor.GemmKernels;
import org.aimjvm.tensor.Storage;

/** Launches {@code kernels/gemm.cu}. */
final class CudaGemmKernels implements GemmKernels {
    CudaGemmKernels(CudaBackend backend) {
    }

    @Override
    public void gemm(Storage c, Storage a, Storage b, int batch, int m, int n, int k, boolean transA, boolean transB,
            boolean accumulate) {
        throw new UnsupportedOperationException("TODO gemm");
    }

    @Override
    public void linear(Storage y, Storage x, Storage w, int rows, int out, int in) {
        throw new UnsupportedOperationException("TODO linear");
    }
}
