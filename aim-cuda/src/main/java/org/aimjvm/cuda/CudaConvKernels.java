package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.Storage;

/**
 * Launches {@code kernels/conv.cu}: lays pictures and filters out in scratch memory with the channels innermost, then
 * computes products; large batches in parts, see {@link ConvPacking}.
 */
final class CudaConvKernels implements ConvKernels {
    private static final int THREADS = 256;
    private static final int DIRECT_OUT = 4;
    private static final int SMALL = 64;
    private static final int LARGE = 128;

    /** Some pixels of a result: (row + i step, col + j step) for {@code rows} of i and {@code cols} of j. */
    private record Pixels(int rows, int cols, int step, int row, int col) {}

    /**
     * The taps of a filter that pixels are sums over, of which the first is (u0, v0): tap (a, b) of pixel (i, j) reads
     * (i inStep + row0 + a tapStep, j inStep + col0 + b tapStep).
     */
    private record Taps(int u0, int v0, int down, int across, int inStep, int row0, int col0, int tapStep) {}

    /** Pixels that are sums over the same taps. */
    private record Phase(Pixels pixels, Taps taps) {
        /** Elements that a filter's taps take with {@code padded} channels. */
        int line(int padded) {
            return Grid.blocks(taps.down * taps.across * padded, ConvPacking.LINE_STEP) * ConvPacking.LINE_STEP;
        }
    }

    /**
     * What is convolved: pictures of x as a filter sees them, which {@code doublings} make larger.
     *
     * @param norm of x, or {@code null}
     */
    private record Source(CudaStorage x, ConvPacking.Pictures p, ConvPacking.Norm norm, int height, int width,
            int doublings) {}

    /** What is computed: pictures of y, plus a bias per channel and a residual, either of which may be {@code null}. */
    private record Target(CudaStorage y, int channels, int height, int width, CudaStorage bias, CudaStorage residual) {}

    /**
     * The filters as they lie in w.
     *
     * @param rowStride from a channel of the result to the next
     * @param channelStride from one of the channels that are summed over to the next
     * @param tapStride from a tap that a phase uses to the next, in both directions
     */
    private record Filters(CudaStorage w, int rowStride, int channelStride, int kernelWidth, int tapStride) {}

    private final CudaContext context;
    private final ConvPacking packing;
    private final CudaConvGradient gradient;
    private final ConvPacking.Tiles product;
    private final Kernel packFilters;
    private final Kernel direct;
    private final Kernel directBackward;
    private final Kernel upsample;
    private final Kernel upsampleBackward;
    private final Kernel normSilu;
    private int largeFrom;

    CudaConvKernels(CudaContext context) {
        this.context = context;
        KernelModule module = context.module("conv");
        MatmulPrecision p = context.precision();
        KernelModule products = context.module("conv_" + p);
        this.packing = new ConvPacking(context, module);
        this.gradient = new CudaConvGradient(context, packing, module, products);
        this.product = ConvPacking.Tiles.of(products, "conv_product", p);
        this.packFilters = module.kernel("conv_pack_filters_" + packing.format());
        this.direct = module.kernel("conv_direct_f32");
        this.directBackward = module.kernel("conv_direct_backward_f32");
        this.upsample = module.kernel("upsample_forward_f32");
        this.upsampleBackward = module.kernel("upsample_backward_f32");
        this.normSilu = module.kernel("norm_silu_f32");
        this.largeFrom = context.gpu().multiprocessors();
    }

    /** For tests: how much is packed at once, and how many large tiles are enough to take them. */
    void limits(long newPackedBytes, int newLargeFrom) {
        packing.limit(newPackedBytes);
        largeFrom = newLargeFrom;
    }

    @Override
    public void conv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        forward(plain(y), plain(x), null, plain(w), orNull(bias), null, 0, s);
    }

    @Override
    public void normSiluConv2d(
            Storage y, Storage x, ConvKernels.Norm norm, Storage w, Storage bias, Storage residual, Conv2dShape s) {
        ConvPacking.Norm own = new ConvPacking.Norm(
                plain(norm.stats()), plain(norm.weight()), plain(norm.bias()), norm.groups());
        forward(plain(y), plain(x), own, plain(w), orNull(bias), orNull(residual), 0, s);
    }

    @Override
    public void upsampleConv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        forward(plain(y), plain(x), null, plain(w), orNull(bias), null, 1, s);
    }

    private void forward(
            CudaStorage y, CudaStorage x, ConvPacking.Norm norm, CudaStorage w, CudaStorage bias, CudaStorage residual,
            int doublings, Conv2dShape s) {
        if (s.outChannels() <= DIRECT_OUT) {
            direct(y, x, norm, w, bias, residual, doublings, s);
            return;
        }
        Phase all = new Phase(
                new Pixels(s.outHeight(), s.outWidth(), 1, 0, 0),
                new Taps(0, 0, s.kernelHeight(), s.kernelWidth(), s.stride(), -s.padTop(), -s.padLeft(), 1));
        ConvPacking.Pictures p = packing.pictures(s.inChannels(), s.inHeight() >> doublings, s.inWidth() >> doublings);
        product(
                new Target(y, s.outChannels(), s.outHeight(), s.outWidth(), bias, residual),
                new Source(x, p, norm, s.inHeight(), s.inWidth(), doublings),
                new Filters(w, s.filterSize(), s.kernelHeight() * s.kernelWidth(), s.kernelWidth(), 1),
                new Phase[] {all}, s.batch());
    }

    @Override
    public void conv2dBackwardInput(Storage dx, Storage dy, Storage w, Conv2dShape s) {
        if (s.inChannels() <= DIRECT_OUT) {
            directBackward.on(Grid.of(Grid.blocks(s.batch() * s.inHeight() * s.inWidth(), THREADS), 1, THREADS))
                    .arg("dx", plain(dx)).arg("dy", plain(dy)).arg("w", plain(w))
                    .arg("batch", s.batch())
                    .arg("outs", s.inChannels()).arg("height", s.inHeight()).arg("width", s.inWidth())
                    .arg("ins", s.outChannels()).arg("y_height", s.outHeight()).arg("y_width", s.outWidth())
                    .arg("kernel_height", s.kernelHeight()).arg("kernel_width", s.kernelWidth())
                    .arg("stride", s.stride()).arg("pad_top", s.padTop()).arg("pad_left", s.padLeft())
                    .launch();
            return;
        }
        int stride = s.stride();
        Phase[] phases = new Phase[stride * stride];
        for (int a = 0; a < stride; a++) {
            for (int b = 0; b < stride; b++) {
                // Row a + i stride of dx, under tap u, has its gradient from row (a + i stride + padTop - u) / stride
                // of dy.
                int u0 = Math.floorMod(a + s.padTop(), stride);
                int v0 = Math.floorMod(b + s.padLeft(), stride);
                Pixels pixels = new Pixels(
                        Grid.blocks(Math.max(0, s.inHeight() - a), stride),
                        Grid.blocks(Math.max(0, s.inWidth() - b), stride), stride, a, b);
                Taps taps = new Taps(
                        u0, v0, Grid.blocks(Math.max(0, s.kernelHeight() - u0), stride),
                        Grid.blocks(Math.max(0, s.kernelWidth() - v0), stride), 1, (a + s.padTop() - u0) / stride,
                        (b + s.padLeft() - v0) / stride, -1);
                phases[a * stride + b] = new Phase(pixels, taps);
            }
        }
        product(
                new Target(plain(dx), s.inChannels(), s.inHeight(), s.inWidth(), null, null),
                new Source(plain(dy), packing.pictures(s.outChannels(), s.outHeight(), s.outWidth()), null,
                        s.outHeight(), s.outWidth(), 0),
                new Filters(plain(w), s.kernelHeight() * s.kernelWidth(), s.filterSize(), s.kernelWidth(), stride),
                phases, s.batch());
    }

    private void product(Target to, Source from, Filters w, Phase[] phases, int batch) {
        int outs = to.channels;
        int channels = from.p.padded();
        int atOnce = Math.min(batch, packing.atOnce(from.p));
        int lines = 0;
        for (Phase f : phases) {
            lines += f.line(channels);
        }
        try (Scratch filters = context.scratch((long) packing.elementBytes() * outs * lines);
                Scratch packed = context.scratch(from.p.bytes(atOnce))) {
            int offset = 0;
            for (Phase f : phases) {
                packFilters(filters, w, f, from.p, outs, offset);
                offset += outs * f.line(channels);
            }
            for (int first = 0; first < batch; first += atOnce) {
                int count = Math.min(atOnce, batch - first);
                packing.pack(packed, from.x, from.norm, from.p, first, count);
                offset = 0;
                for (Phase f : phases) {
                    product(to, from, packed, filters, f, offset, first, count);
                    offset += outs * f.line(channels);
                }
            }
        }
    }

    private void packFilters(Scratch packed, Filters w, Phase f, ConvPacking.Pictures p, int outs, int offset) {
        int line = f.line(p.padded());
        packFilters.on(Grid.of(Grid.blocks(outs * line / 2, THREADS), THREADS))
                .arg("packed", packed.storage())
                .arg("w", w.w).arg("row_stride", w.rowStride).arg("channel_stride", w.channelStride)
                .arg("rows", outs).arg("line", line).arg("channels", p.channels()).arg("padded", p.padded())
                .arg("taps_down", f.taps.down).arg("taps_across", f.taps.across).arg("kernel_width", w.kernelWidth)
                .arg("u0", f.taps.u0).arg("v0", f.taps.v0).arg("step", w.tapStride)
                .arg("offset", offset)
                .launch();
    }

    private void product(
            Target to, Source from, Scratch packed, Scratch filters, Phase f, int filterOffset, int first, int count) {
        Pixels at = f.pixels;
        Taps taps = f.taps;
        int pixels = count * at.rows * at.cols;
        boolean large = product.large() != null && to.channels > SMALL
                && ConvPacking.tiles(to.channels, pixels, LARGE) >= largeFrom;
        Grid grid = Grid.of(
                ConvPacking.tiles(to.channels, pixels, large ? LARGE : SMALL),
                large ? THREADS : product.smallThreads());
        (large ? product.large() : product.small()).on(grid)
                .arg("y", to.y).arg("x", packed.storage()).arg("w", filters.storage()).arg("w_offset", filterOffset)
                .arg("bias", to.bias).arg("residual", to.residual)
                .arg("first", first).arg("pictures", count)
                .arg("outs", to.channels).arg("height", to.height).arg("width", to.width)
                .arg("rows", at.rows).arg("cols", at.cols).arg("step", at.step).arg("row", at.row).arg("col", at.col)
                .arg("x_height", from.height).arg("x_width", from.width).arg("up", from.doublings)
                .arg("channels", from.p.padded())
                .arg("taps_down", taps.down).arg("taps_across", taps.across)
                .arg("in_step", taps.inStep).arg("row0", taps.row0).arg("col0", taps.col0).arg("tap_step", taps.tapStep)
                .launch();
    }

    private void direct(
            CudaStorage y, CudaStorage x, ConvPacking.Norm norm, CudaStorage w, CudaStorage bias, CudaStorage residual,
            int doublings,
            Conv2dShape s) {
        if (norm == null) {
            direct(y, x, w, bias, residual, doublings, 0, s.batch(), s);
            return;
        }
        int area = s.inHeight() * s.inWidth();
        ConvPacking.Pictures p = new ConvPacking.Pictures(s.inChannels(), s.inChannels(), area, Float.BYTES);
        int atOnce = Math.min(s.batch(), packing.atOnce(p));
        try (Scratch normal = context.scratch(p.bytes(atOnce))) {
            for (int first = 0; first < s.batch(); first += atOnce) {
                int count = Math.min(atOnce, s.batch() - first);
                int planes = count * s.inChannels();
                normSilu.launch(
                        Grid.of(Grid.blocks(area, 4 * THREADS), Math.min(planes, Grid.MAX_YZ), THREADS),
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
        direct.on(Grid.of(Grid.blocks(count * s.outHeight() * s.outWidth(), THREADS), 1, THREADS))
                .arg("y", y).arg("x", x).arg("w", w).arg("bias", bias).arg("residual", residual)
                .arg("start", first).arg("batch", count)
                .arg("outs", s.outChannels()).arg("height", s.outHeight()).arg("width", s.outWidth())
                .arg("ins", s.inChannels()).arg("x_height", s.inHeight()).arg("x_width", s.inWidth())
                .arg("kernel_height", s.kernelHeight()).arg("kernel_width", s.kernelWidth())
                .arg("stride", s.stride()).arg("pad_top", s.padTop()).arg("pad_left", s.padLeft())
                .arg("up", doublings)
                .launch();
    }

    @Override
    public void conv2dBackwardWeight(Storage dw, Storage dBias, Storage dy, Storage x, Conv2dShape s) {
        gradient.compute(dw, dBias, dy, x, s);
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
