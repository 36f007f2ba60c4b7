package org.aimjvm.cuda;

import org.aimjvm.tensor.NormKernels;
import org.aimjvm.tensor.Storage;

/** Launches {@code kernels/norm.cu}. */
final class CudaNormKernels implements NormKernels {
    CudaNormKernels(CudaBackend backend) {
    }

    @Override
    public void rmsNorm(Storage y, Storage invRms, Storage x, Storage weight, int rows, int cols, float eps) {
        throw new UnsupportedOperationException("TODO rmsNorm");
    }

    @Override
    public void rmsNormBackward(Storage dx, Storage dWeight, Storage dy, Storage x, Storage weight, Storage invRms,
            int rows, int cols) {
        throw new UnsupportedOperationException("TODO rmsNormBackward");
    }

    @Override
    public void gatedRmsNorm(Storage y, Storage invRms, Storage x, Storage z, Storage weight, int rows, int cols,
            int groups, boolean normBeforeGate, float eps) {
        throw new UnsupportedOperationException("TODO gatedRmsNorm");
    }

    @Override
    public void gatedRmsNormBackward(Storage dx, Storage dz, Storage dWeight, Storage dy, Storage x, Storage z,
            Storage weight, Storage invRms, int rows, int cols, int groups, boolean normBeforeGate) {
        throw new UnsupportedOperationException("TODO gatedRmsNormBackward");
    }

    @Override
    public void layerNorm(Storage y, Storage stats, Storage x, Storage weight, Storage bias, int rows, int cols,
            float eps) {
        throw new UnsupportedOperationException("TODO layerNorm");
    }

    @Override
    public void layerNormBackward(Storage dx, Storage dWeight, Storage dBias, Storage dy, Storage x, Storage weight,
            Storage stats, int rows, int cols) {
        throw new UnsupportedOperationException("TODO layerNormBackward");
    }

    @Override
    public void groupNorm(Storage y, Storage stats, Storage x, Storage weight, Storage bias, int batch, int channels,
            int area, int groups, float eps, boolean silu) {
        throw new UnsupportedOperationException("TODO groupNorm");
    }

    @Override
    public void groupNormBackward(Storage dx, Storage dWeight, Storage dBias, Storage dy, Storage x, Storage weight,
            Storage bias, Storage stats, int batch, int channels, int area, int groups, boolean silu) {
        throw new UnsupportedOperationException("TODO groupNormBackward");
    }

    @Override
    public void l2Normalize(Storage y, Storage invNorm, Storage x, int rows, int cols, float eps) {
        throw new UnsupportedOperationException("TODO l2Normalize");
    }

    @Override
    public void l2NormalizeBackward(Storage dx, Storage dy, Storage y, Storage invNorm, int rows, int cols, float eps) {
        throw new UnsupportedOperationException("TODO l2NormalizeBackward");
    }
}
