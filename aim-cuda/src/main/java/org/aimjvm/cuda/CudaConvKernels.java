package org.aimjvm.cuda;

import org.aimjvm.tensor.Conv2dShape;
import org.aimjvm.tensor.ConvKernels;
import org.aimjvm.tensor.Storage;

/** Launches {@code kernels/conv.cu}. */
final class CudaConvKernels implements ConvKernels {
    CudaConvKernels(CudaBackend backend) {
    }

    @Override
    public void conv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        throw new UnsupportedOperationException("TODO conv2d");
    }

    @Override
    public void normSiluConv2d(Storage y, Storage x, Storage stats, Storage normWeight, Storage normBias, int groups,
            Storage w, Storage bias, Storage residual, Conv2dShape s) {
        throw new UnsupportedOperationException("TODO normSiluConv2d");
    }

    @Override
    public void upsampleConv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        throw new UnsupportedOperationException("TODO upsampleConv2d");
    }

    @Override
    public void conv2dBackwardInput(Storage dx, Storage dy, Storage w, Conv2dShape s) {
        throw new UnsupportedOperationException("TODO conv2dBackwardInput");
    }

    @Override
    public void conv2dBackwardWeight(Storage dw, Storage dBias, Storage dy, Storage x, Conv2dShape s) {
        throw new UnsupportedOperationException("TODO conv2dBackwardWeight");
    }

    @Override
    public void upsampleNearest2x(Storage y, Storage x, int planes, int height, int width) {
        throw new UnsupportedOperationException("TODO upsampleNearest2x");
    }

    @Override
    public void upsampleNearest2xBackward(Storage dx, Storage dy, int planes, int height, int width) {
        throw new UnsupportedOperationException("TODO upsampleNearest2xBackward");
    }
}
