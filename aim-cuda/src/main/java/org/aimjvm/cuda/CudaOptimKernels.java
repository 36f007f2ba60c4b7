package org.aimjvm.cuda;

import org.aimjvm.tensor.OptimKernels;
import org.aimjvm.tensor.Storage;

/** Launches {@code kernels/optim.cu}. */
final class CudaOptimKernels implements OptimKernels {
    CudaOptimKernels(CudaBackend backend) {
    }

    @Override
    public void adamW(Storage w, Storage m, Storage v, Storage g, int n, float lr, float beta1, float beta2, float eps,
            float weightDecay, float gradScale, int step) {
        throw new UnsupportedOperationException("TODO adamW");
    }

    @Override
    public void ema(Storage average, Storage w, float decay, int n) {
        throw new UnsupportedOperationException("TODO ema");
    }
}
