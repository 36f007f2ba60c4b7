package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.tensor.Conv2dShape;
import org.aimjvm.tensor.ConvKernels;
import org.aimjvm.tensor.Storage;

/** Launches {@code kernels/conv.cu}. */
final class CudaConvKernels implements ConvKernels {
    private static final int THREADS = 256;
    private static final int DIRECT_OUT = 4;
    private static final int BIAS_RUN = 64 * THREADS;
    private static final int MAX_PLANES = 65535;

    private final CudaBackend backend;
    private final Kernel direct;
    private final Kernel directBackward;
    private final Kernel directWeight;
    private final Kernel biasPartial;
    private final Kernel bias;
    private final Kernel upsample;
    private final Kernel upsampleBackward;
    private final Kernel normSilu;

    CudaConvKernels(CudaBackend backend) {
        this.backend = backend;
        KernelModule module = backend.module("conv");
        this.direct = module.kernel("conv_direct_f32");
        this.directBackward = module.kernel("conv_direct_backward_f32");
        this.directWeight = module.kernel("conv_direct_weight_f32");
        this.biasPartial = module.kernel("conv_bias_partial_f32");
        this.bias = module.kernel("conv_bias_f32");
        this.upsample = module.kernel("upsample_forward_f32");
        this.upsampleBackward = module.kernel("upsample_backward_f32");
        this.normSilu = module.kernel("norm_silu_f32");
    }

    private static CudaStorage orNull(Storage s) {
        return s == null ? null : plain(s);
    }

    @Override
    public void conv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        forward(plain(y), plain(x), plain(w), orNull(bias), null, 0, s);
    }

    @Override
    public void normSiluConv2d(
            Storage y, Storage x, Storage stats, Storage normWeight, Storage normBias, int groups, Storage w, Storage bias,
            Storage residual, Conv2dShape s) {
        int planes = s.batch() * s.inChannels();
        int area = s.inHeight() * s.inWidth();
        try (Scratch normal = backend.scratch(4L * planes * area)) {
            normSilu.launch(
                    Grid.of(Grid.blocks(area, 4 * THREADS), Math.min(planes, MAX_PLANES), THREADS), normal.storage(), plain(x),
                    plain(stats), plain(normWeight), plain(normBias), planes, s.inChannels(), area, s.inChannels() / groups);
            forward(plain(y), normal.storage(), plain(w), orNull(bias), orNull(residual), 0, s);
        }
    }

    @Override
    public void upsampleConv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        forward(plain(y), plain(x), plain(w), orNull(bias), null, 1, s);
    }

    private void forward(
            CudaStorage y, CudaStorage x, CudaStorage w, CudaStorage bias, CudaStorage residual, int doublings, Conv2dShape s) {
        direct.launch(
                Grid.of(
                        Grid.blocks(s.batch() * s.outHeight() * s.outWidth(), THREADS), Grid.blocks(s.outChannels(), DIRECT_OUT),
                        THREADS),
                y, x, w, bias, residual, s.batch(), s.outChannels(), s.outHeight(), s.outWidth(), s.inChannels(), s.inHeight(),
                s.inWidth(), s.kernelHeight(), s.kernelWidth(), s.stride(), s.padTop(), s.padLeft(), doublings);
    }

    @Override
    public void conv2dBackwardInput(Storage dx, Storage dy, Storage w, Conv2dShape s) {
        directBackward.launch(
                Grid.of(
                        Grid.blocks(s.batch() * s.inHeight() * s.inWidth(), THREADS), Grid.blocks(s.inChannels(), DIRECT_OUT),
                        THREADS),
                plain(dx), plain(dy), plain(w), s.batch(), s.inChannels(), s.inHeight(), s.inWidth(), s.outChannels(),
                s.outHeight(), s.outWidth(), s.kernelHeight(), s.kernelWidth(), s.stride(), s.padTop(), s.padLeft());
    }

    @Override
    public void conv2dBackwardWeight(Storage dw, Storage dBias, Storage dy, Storage x, Conv2dShape s) {
        if (dBias != null) {
            biasGradient(plain(dBias), plain(dy), s);
        }
        directWeight.launch(
                Grid.of(s.filterSize(), s.outChannels(), THREADS), plain(dw), plain(dy), plain(x), s.batch(), s.inChannels(),
                s.inHeight(), s.inWidth(), s.outChannels(), s.outHeight(), s.outWidth(), s.kernelHeight(), s.kernelWidth(),
                s.stride(), s.padTop(), s.padLeft());
    }

    private void biasGradient(CudaStorage dBias, CudaStorage dy, Conv2dShape s) {
        int area = s.outHeight() * s.outWidth();
        int runs = Grid.blocks(s.batch() * area, BIAS_RUN);
        try (Scratch partial = backend.scratch(4L * runs * s.outChannels())) {
            biasPartial.launch(
                    Grid.of(runs, s.outChannels(), THREADS), partial.storage(), dy, s.batch(), s.outChannels(), area, BIAS_RUN);
            bias.launch(
                    Grid.of(Grid.blocks(s.outChannels(), THREADS / 32), THREADS), dBias, partial.storage(), s.outChannels(), runs);
        }
    }

    @Override
    public void upsampleNearest2x(Storage y, Storage x, int planes, int height, int width) {
        int n = planes * height * width;
        upsample.launch(Grid.of(Grid.blocks(n, THREADS), THREADS), plain(y), plain(x), n, width);
    }

    @Override
    public void upsampleNearest2xBackward(Storage dx, Storage dy, int planes, int height, int width) {
        int n = planes * height * width;
        upsampleBackward.launch(Grid.of(Grid.blocks(n, THREADS), THREADS), plain(dx), plain(dy), n, width);
    }
}
