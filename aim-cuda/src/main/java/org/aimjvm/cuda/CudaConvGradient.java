package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;
import static org.aimjvm.cuda.Grid.WARP;

import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.Storage;

/** Launches what {@code kernels/conv.cu} has for the gradients of filters and biases. */
final class CudaConvGradient {
    private static final int THREADS = 256;
    private static final int SMALL = 64;
    private static final int LARGE = 128;
    private static final int BIAS_RUN = 64 * THREADS;
    /** Pixels that one sum of the filters' gradient runs over: a multiple of every tile's depth. */
    private static final int MIN_RUN = 512;
    private static final int MAX_RUN = 16384;
    private static final int RUN_STEP = 32;

    private final CudaContext context;
    private final ConvPacking packing;
    private final ConvPacking.Tiles weight;
    private final Kernel weightSum;
    private final Kernel biasPartial;
    private final Kernel bias;

    CudaConvGradient(CudaContext context, ConvPacking packing, KernelModule module, KernelModule products) {
        this.context = context;
        this.packing = packing;
        this.weight = ConvPacking.Tiles.of(products, "conv_weight", context.precision());
        this.weightSum = module.kernel("conv_weight_sum_f32");
        this.biasPartial = module.kernel("conv_bias_partial_f32");
        this.bias = module.kernel("conv_bias_f32");
    }

    /** As {@link org.aimjvm.backend.ConvKernels#conv2dBackwardWeight}. */
    void compute(Storage dw, Storage dBias, Storage dy, Storage x, Conv2dShape s) {
        if (dBias != null) {
            biasGradient(plain(dBias), plain(dy), s);
        }
        ConvPacking.Pictures px = packing.pictures(s.inChannels(), s.inHeight(), s.inWidth());
        ConvPacking.Pictures py = packing.pictures(s.outChannels(), s.outHeight(), s.outWidth());
        int outs = s.outChannels();
        int taps = s.kernelHeight() * s.kernelWidth();
        int n = taps * px.padded();
        int atOnce = Math.min(s.batch(), Math.min(packing.atOnce(px), packing.atOnce(py)));
        boolean large = weight.large() != null && outs > SMALL && n > SMALL;
        int tiles = ConvPacking.tiles(outs, n, large ? LARGE : SMALL);
        // As many sums as keep the device busy, none of them short, nor so long that f32 sums lose digits.
        int run = Math.clamp(
                (long) atOnce * py.area() / Math.max(1, Grid.blocks(2 * context.gpu().multiprocessors(), tiles)),
                MIN_RUN, MAX_RUN)
                / RUN_STEP
                * RUN_STEP;
        int splits = 0;
        for (int first = 0; first < s.batch(); first += atOnce) {
            splits += Grid.blocks(Math.min(atOnce, s.batch() - first) * py.area(), run);
        }
        try (Scratch packedX = context.scratch(px.bytes(atOnce));
                Scratch packedY = context.scratch(py.bytes(atOnce));
                Scratch partial = context.scratch(4L * splits * outs * n)) {
            int split = 0;
            for (int first = 0; first < s.batch(); first += atOnce) {
                int count = Math.min(atOnce, s.batch() - first);
                int now = Grid.blocks(count * py.area(), run);
                packing.pack(packedX, plain(x), null, px, first, count);
                packing.pack(packedY, plain(dy), null, py, first, count);
                (large ? weight.large() : weight.small())
                        .on(Grid.of(tiles, now, large ? THREADS : weight.smallThreads()))
                        .arg("partial", partial.storage()).arg("dy", packedY.storage()).arg("x", packedX.storage())
                        .arg("first_split", split).arg("pixels_of_split", run).arg("pictures", count)
                        .arg("outs", outs).arg("outs_padded", py.padded())
                        .arg("height", s.outHeight()).arg("width", s.outWidth())
                        .arg("x_height", s.inHeight()).arg("x_width", s.inWidth()).arg("channels", px.padded())
                        .arg("kernel_height", s.kernelHeight()).arg("kernel_width", s.kernelWidth())
                        .arg("stride", s.stride()).arg("pad_top", s.padTop()).arg("pad_left", s.padLeft())
                        .launch();
                split += now;
            }
            weightSum.launch(
                    Grid.of(Grid.blocks(outs * n, THREADS), THREADS), plain(dw), partial.storage(), splits, outs,
                    s.inChannels(),
                    px.padded(), taps);
        }
    }

    private void biasGradient(CudaStorage dBias, CudaStorage dy, Conv2dShape s) {
        int area = s.outHeight() * s.outWidth();
        int runs = Grid.blocks(s.batch() * area, BIAS_RUN);
        try (Scratch partial = context.scratch(4L * runs * s.outChannels())) {
            biasPartial.launch(
                    Grid.of(runs, s.outChannels(), THREADS), partial.storage(), dy, s.batch(), s.outChannels(), area,
                    BIAS_RUN);
            bias.launch(
                    Grid.of(Grid.blocks(s.outChannels(), THREADS / WARP), THREADS), dBias, partial.storage(),
                    s.outChannels(), runs);
        }
    }
}
