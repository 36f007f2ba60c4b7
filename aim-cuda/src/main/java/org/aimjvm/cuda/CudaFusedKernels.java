package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.tensor.FusedKernels;
import org.aimjvm.tensor.Storage;

/** Launches {@code kernels/linear_<format>.cu} with more to do than the product. */
final class CudaFusedKernels implements FusedKernels {
    /** Width of the convolution that {@code kernels/linear.cuh} knows, that of all published models. */
    private static final int CONV_WIDTH = 4;

    private final CudaGemmKernels gemm;

    CudaFusedKernels(CudaGemmKernels gemm) {
        this.gemm = gemm;
    }

    @Override
    public boolean takesLinearConv(int batch, int width) {
        return batch <= CudaGemmKernels.FEW_ROWS && width == CONV_WIDTH;
    }

    @Override
    public void linearConv(
            Storage before, Storage convolved, Storage after, Storage x, Storage w, Storage bias, Storage convWeight,
            Storage convBias, Storage state, int batch, int in, int columnsBefore, int channels, int columnsAfter,
            boolean silu) {
        CudaGemmKernels.Columns to = new CudaGemmKernels.Columns(
                orNull(before), plain(convolved), orNull(after), plain(state), orNull(bias), plain(convWeight),
                orNull(convBias), columnsBefore, channels, silu);
        gemm.fewRows(to, x, w, batch, columnsBefore + channels + columnsAfter, in);
    }
}
