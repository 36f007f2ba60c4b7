package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;
import static org.aimjvm.cuda.Grid.WARP;

import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.Storage;

/**
 * Launches {@code kernels/conv.cu}: lays pictures and filters out in scratch memory with the channels innermost, then computes
 * products; batches whose pictures take more scratch memory than {@link #PACKED_BYTES} in parts.
 */
final class CudaConvKernels implements ConvKernels {
    private static final int THREADS = 256;
    /** Of a grid in y or z. */
    private static final int MAX_BLOCKS = 65535;
    private static final int DIRECT_OUT = 4;
    private static final int BIAS_RUN = 64 * THREADS;
    private static final int PACK_PIXELS = 32;
    private static final int PACK_CHANNELS = 64;
    /** Scratch memory for packed pictures of one kind. */
    private static final long PACKED_BYTES = 1L << 30;
    /** Pixels that one sum of the filters' gradient runs over: a multiple of every tile's depth. */
    private static final int MIN_RUN = 512;
    private static final int MAX_RUN = 16384;
    private static final int RUN_STEP = 32;
    private static final int LINE_STEP = 32;
    private static final int SMALL = 64;
    private static final int LARGE = 128;

    /** A product's kernels by the edge of their tiles. */
    private record Tiles(Kernel small, Kernel large, int smallThreads) {
        static Tiles of(KernelModule module, String name, MatmulPrecision p) {
            return p == MatmulPrecision.F32
                    ? new Tiles(module.kernel(name + "_f32"), null, THREADS)
                    : new Tiles(module.kernel(name + "_64_" + p), module.kernel(name + "_128_" + p), THREADS / 2);
        }
    }

    /** Pictures that are packed: {@code padded} channels, zeros behind those that there are. */
    private record Pictures(int channels, int padded, int area, int bytesOfElement) {
        long bytes(int pictures) {
            return ((long) pictures * area * padded + 4) * bytesOfElement; // four zeros behind
        }

        /** How many can be packed at once. */
        int atOnce(long limit) {
            return Math.clamp(limit / bytes(1), 1, MAX_BLOCKS);
        }
    }

    /** Normalisation of what is packed. */
    private record Norm(CudaStorage stats, CudaStorage weight, CudaStorage bias, int groups) {}

    /**
     * The pixels (row + i step, col + j step) of a result, and the taps that they are sums over; tap (a, b) of pixel (i, j) reads
     * (i inStep + row0 + a tapStep, j inStep + col0 + b tapStep).
     */
    private record Phase(
            int rows, int cols, int step, int row, int col, int u0, int v0, int tapsDown, int tapsAcross, int inStep,
            int row0,
            int col0, int tapStep) {
        /** Elements that a filter's taps take with {@code padded} channels. */
        int line(int padded) {
            return Grid.blocks(tapsDown * tapsAcross * padded, LINE_STEP) * LINE_STEP;
        }
    }

    private final CudaContext context;
    private final Tiles product;
    private final Tiles weight;
    private final Kernel packPictures;
    private final Kernel packFilters;
    private final Kernel weightSum;
    private final Kernel direct;
    private final Kernel directBackward;
    private final Kernel biasPartial;
    private final Kernel bias;
    private final Kernel upsample;
    private final Kernel upsampleBackward;
    private final Kernel normSilu;
    private final int elementBytes;
    private final int multiprocessors;
    private long packedBytes = PACKED_BYTES;
    private int largeFrom;

    CudaConvKernels(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("conv");
        MatmulPrecision p = context.precision();
        KernelModule products = context.module("conv_" + p);
        this.product = Tiles.of(products, "conv_product", p);
        this.weight = Tiles.of(products, "conv_weight", p);
        String packed = p == MatmulPrecision.BF16 ? "bf16" : "f32";
        this.packPictures = module.kernel("conv_pack_pictures_" + packed);
        this.packFilters = module.kernel("conv_pack_filters_" + packed);
        this.weightSum = module.kernel("conv_weight_sum_f32");
        this.direct = module.kernel("conv_direct_f32");
        this.directBackward = module.kernel("conv_direct_backward_f32");
        this.biasPartial = module.kernel("conv_bias_partial_f32");
        this.bias = module.kernel("conv_bias_f32");
        this.upsample = module.kernel("upsample_forward_f32");
        this.upsampleBackward = module.kernel("upsample_backward_f32");
        this.normSilu = module.kernel("norm_silu_f32");
        this.elementBytes = p == MatmulPrecision.BF16 ? 2 : 4;
        this.multiprocessors = context.gpu().multiprocessors();
        this.largeFrom = multiprocessors;
    }

    /** For tests: how much is packed at once, and how many large tiles are enough to take them. */
    void limits(long newPackedBytes, int newLargeFrom) {
        packedBytes = newPackedBytes;
        largeFrom = newLargeFrom;
    }

    private Pictures pictures(int channels, int height, int width) {
        int area = Math.multiplyExact(height, width);
        Pictures p = new Pictures(channels, (channels + 3) / 4 * 4, area, elementBytes);
        if ((long) area * p.padded() > Integer.MAX_VALUE - 4) {
            throw new IllegalArgumentException("conv2d: a picture of " + p.padded() + "x" + height + "x" + width
                    + " elements (expected less than 2^31)");
        }
        return p;
    }

    /** {@code count} of them from {@code first} on. */
    private void pack(Scratch packed, CudaStorage x, Norm norm, Pictures p, int first, int count) {
        packPictures.launch(
                Grid.of(Grid.blocks(p.area(), PACK_PIXELS), Grid.blocks(p.padded(), PACK_CHANNELS), count, 1)
                        .threads(WARP, 8),
                packed.storage(), x, norm == null ? null : norm.stats(), norm == null ? null : norm.weight(),
                norm == null ? null : norm.bias(), norm == null ? 1 : p.channels() / norm.groups(), p.channels(),
                p.padded(),
                p.area(), first);
    }

    @Override
    public void conv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        forward(plain(y), plain(x), null, plain(w), orNull(bias), null, 0, s);
    }

    @Override
    public void normSiluConv2d(
            Storage y, Storage x, ConvKernels.Norm norm, Storage w, Storage bias, Storage residual, Conv2dShape s) {
        Norm own = new Norm(plain(norm.stats()), plain(norm.weight()), plain(norm.bias()), norm.groups());
        forward(plain(y), plain(x), own, plain(w), orNull(bias), orNull(residual), 0, s);
    }

    @Override
    public void upsampleConv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        forward(plain(y), plain(x), null, plain(w), orNull(bias), null, 1, s);
    }

    private void forward(
            CudaStorage y, CudaStorage x, Norm norm, CudaStorage w, CudaStorage bias, CudaStorage residual,
            int doublings,
            Conv2dShape s) {
        if (s.outChannels() <= DIRECT_OUT) {
            direct(y, x, norm, w, bias, residual, doublings, s);
            return;
        }
        Phase all = new Phase(
                s.outHeight(), s.outWidth(), 1, 0, 0, 0, 0, s.kernelHeight(), s.kernelWidth(), s.stride(), -s.padTop(),
                -s.padLeft(), 1);
        Pictures p = pictures(s.inChannels(), s.inHeight() >> doublings, s.inWidth() >> doublings);
        int taps = s.kernelHeight() * s.kernelWidth();
        product(
                y, s.outChannels(), s.outHeight(), s.outWidth(), x, p, norm, s.inHeight(), s.inWidth(), doublings, w,
                s.filterSize(),
                taps, s.kernelWidth(), 1, bias, residual, new Phase[] {all}, s.batch());
    }

    @Override
    public void conv2dBackwardInput(Storage dx, Storage dy, Storage w, Conv2dShape s) {
        if (s.inChannels() <= DIRECT_OUT) {
            directBackward.launch(
                    Grid.of(Grid.blocks(s.batch() * s.inHeight() * s.inWidth(), THREADS), 1, THREADS), plain(dx),
                    plain(dy),
                    plain(w), s.batch(), s.inChannels(), s.inHeight(), s.inWidth(), s.outChannels(), s.outHeight(),
                    s.outWidth(),
                    s.kernelHeight(), s.kernelWidth(), s.stride(), s.padTop(), s.padLeft());
            return;
        }
        int stride = s.stride();
        Phase[] phases = new Phase[stride * stride];
        for (int a = 0; a < stride; a++) {
            for (int b = 0; b < stride; b++) {
                // Row a + i stride of dx, under tap u, has its gradient from row (a + i stride + padTop - u) / stride of dy.
                int u0 = Math.floorMod(a + s.padTop(), stride);
                int v0 = Math.floorMod(b + s.padLeft(), stride);
                phases[a * stride + b] = new Phase(
                        Grid.blocks(Math.max(0, s.inHeight() - a), stride),
                        Grid.blocks(Math.max(0, s.inWidth() - b), stride),
                        stride, a, b, u0, v0, Grid.blocks(Math.max(0, s.kernelHeight() - u0), stride),
                        Grid.blocks(Math.max(0, s.kernelWidth() - v0), stride), 1, (a + s.padTop() - u0) / stride,
                        (b + s.padLeft() - v0) / stride, -1);
            }
        }
        int taps = s.kernelHeight() * s.kernelWidth();
        product(
                plain(dx), s.inChannels(), s.inHeight(), s.inWidth(), plain(dy),
                pictures(s.outChannels(), s.outHeight(), s.outWidth()), null, s.outHeight(), s.outWidth(), 0, plain(w),
                taps,
                s.filterSize(), s.kernelWidth(), stride, null, null, phases, s.batch());
    }

    /** @param rowStride in w, from a channel of the result to the next; {@code channelStride} for those summed over */
    private void product(
            CudaStorage y, int outs, int height, int width, CudaStorage x, Pictures p, Norm norm, int xHeight,
            int xWidth,
            int doublings, CudaStorage w, int rowStride, int channelStride, int kernelWidth, int tapStride,
            CudaStorage bias,
            CudaStorage residual, Phase[] phases, int batch) {
        int atOnce = Math.min(batch, p.atOnce(packedBytes));
        int lines = 0;
        for (Phase f : phases) {
            lines += f.line(p.padded());
        }
        try (Scratch filters = context.scratch((long) elementBytes * outs * lines);
                Scratch packed = context.scratch(p.bytes(atOnce))) {
            int offset = 0;
            for (Phase f : phases) {
                int line = f.line(p.padded());
                packFilters.launch(
                        Grid.of(Grid.blocks(outs * line / 2, THREADS), THREADS), filters.storage(), w, rowStride,
                        channelStride, outs,
                        line, p.channels(), p.padded(), f.tapsDown(), f.tapsAcross(), kernelWidth, f.u0(), f.v0(),
                        tapStride,
                        offset);
                offset += outs * line;
            }
            for (int first = 0; first < batch; first += atOnce) {
                int count = Math.min(atOnce, batch - first);
                pack(packed, x, norm, p, first, count);
                offset = 0;
                for (Phase f : phases) {
                    int pixels = count * f.rows() * f.cols();
                    boolean large = product.large() != null && outs > SMALL && tiles(outs, pixels, LARGE) >= largeFrom;
                    Kernel kernel = large ? product.large() : product.small();
                    kernel.launch(
                            Grid.of(tiles(outs, pixels, large ? LARGE : SMALL),
                                    large ? THREADS : product.smallThreads()),
                            y,
                            packed.storage(), filters.storage(), bias, residual, first, count, outs, height, width,
                            f.rows(),
                            f.cols(), f.step(), f.row(), f.col(), xHeight, xWidth, doublings, p.padded(), f.tapsDown(),
                            f.tapsAcross(), f.inStep(), f.row0(), f.col0(), f.tapStep(), offset);
                    offset += outs * f.line(p.padded());
                }
            }
        }
    }

    private static int tiles(int rows, int cols, int edge) {
        return Grid.blocks(rows, edge) * Grid.blocks(cols, edge);
    }

    private void direct(
            CudaStorage y, CudaStorage x, Norm norm, CudaStorage w, CudaStorage bias, CudaStorage residual,
            int doublings,
            Conv2dShape s) {
        if (norm == null) {
            direct(y, x, w, bias, residual, doublings, 0, s.batch(), s);
            return;
        }
        int area = s.inHeight() * s.inWidth();
        Pictures p = new Pictures(s.inChannels(), s.inChannels(), area, 4);
        int atOnce = Math.min(s.batch(), p.atOnce(packedBytes));
        try (Scratch normal = context.scratch(p.bytes(atOnce))) {
            for (int first = 0; first < s.batch(); first += atOnce) {
                int count = Math.min(atOnce, s.batch() - first);
                int planes = count * s.inChannels();
                normSilu.launch(
                        Grid.of(Grid.blocks(area, 4 * THREADS), Math.min(planes, MAX_BLOCKS), THREADS),
                        normal.storage(), x,
                        norm.stats(), norm.weight(), norm.bias(), planes, s.inChannels(), area,
                        s.inChannels() / norm.groups(),
                        first);
                direct(y, normal.storage(), w, bias, residual, 0, first, count, s);
            }
        }
    }

    /** @param first picture of y that is written; x starts with its own */
    private void direct(
            CudaStorage y, CudaStorage x, CudaStorage w, CudaStorage bias, CudaStorage residual, int doublings,
            int first, int count,
            Conv2dShape s) {
        direct.launch(
                Grid.of(Grid.blocks(count * s.outHeight() * s.outWidth(), THREADS), 1, THREADS), y, x, w, bias,
                residual, first,
                count, s.outChannels(), s.outHeight(), s.outWidth(), s.inChannels(), s.inHeight(), s.inWidth(),
                s.kernelHeight(),
                s.kernelWidth(), s.stride(), s.padTop(), s.padLeft(), doublings);
    }

    @Override
    public void conv2dBackwardWeight(Storage dw, Storage dBias, Storage dy, Storage x, Conv2dShape s) {
        if (dBias != null) {
            biasGradient(plain(dBias), plain(dy), s);
        }
        Pictures px = pictures(s.inChannels(), s.inHeight(), s.inWidth());
        Pictures py = pictures(s.outChannels(), s.outHeight(), s.outWidth());
        int outs = s.outChannels();
        int taps = s.kernelHeight() * s.kernelWidth();
        int n = taps * px.padded();
        int atOnce = Math.min(s.batch(), Math.min(px.atOnce(packedBytes), py.atOnce(packedBytes)));
        boolean large = weight.large() != null && outs > SMALL && n > SMALL;
        int tiles = tiles(outs, n, large ? LARGE : SMALL);
        // As many sums as keep the device busy, none of them short, nor so long that f32 sums lose digits.
        int run = Math.clamp(
                (long) atOnce * py.area() / Math.max(1, Grid.blocks(2 * multiprocessors, tiles)), MIN_RUN, MAX_RUN)
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
                pack(packedX, plain(x), null, px, first, count);
                pack(packedY, plain(dy), null, py, first, count);
                (large ? weight.large() : weight.small()).launch(
                        Grid.of(tiles, now, large ? THREADS : weight.smallThreads()), partial.storage(),
                        packedY.storage(),
                        packedX.storage(), split, run, count, outs, py.padded(), s.outHeight(), s.outWidth(),
                        s.inHeight(),
                        s.inWidth(), px.padded(), s.kernelHeight(), s.kernelWidth(), s.stride(), s.padTop(),
                        s.padLeft());
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
