package org.aimjvm.cpu.conv;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import java.util.function.Predicate;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.Conv2dShape.Padding;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.NormKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.gemm.VectorGemmKernels;
import org.aimjvm.cpu.memory.HeapStorage;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Scratch;
import org.aimjvm.cpu.rows.VectorElementwiseKernels;
import org.aimjvm.cpu.rows.VectorGroupNorm;
import org.aimjvm.cpu.simd.VectorSums;

/**
 * Convolutions as matrix products. A piece of work is a block of output rows of one picture: its patches are laid out
 * as the columns of a matrix that fits the second-level cache (im2col), which the filters multiply. Pieces do not
 * depend on the number of threads, and a picture's result does not depend on the batch.
 */
public final class VectorConvKernels implements ConvKernels {
    /** Floats of a block of patches: 1 MiB. */
    private static final int PATCH_FLOATS = 1 << 18;
    /** Shares that the rows of a batch are cut into for the gradient of the filters, each with a sum of its own. */
    private static final int SHARES = 8;
    /** Floats of all those sums together, at most: 64 MiB. */
    private static final int SHARE_FLOATS = 1 << 24;
    /** Input channels of a piece of the gradient of the filters, where there are so many that pieces are channels. */
    private static final int CHANNELS = 16;
    /** Pieces that are enough for threads to share. */
    private static final int LEAST_PIECES = 4;
    /** Floats of filters that a second-level cache no longer holds. */
    private static final int LARGE_FILTERS = 1 << 17;
    /** Columns of a product below which it waits for filters that are in no cache. */
    private static final int FEW_COLUMNS = 256;
    /** Weights of filters that are turned around by a piece. */
    private static final int TURN_GRAIN = 1 << 16;
    /** Elements of a piece of the gradient of the bias. */
    private static final int BIAS_GRAIN = 1 << 15;

    private final Parallel parallel;
    private final VectorGemmKernels gemm;
    private final WinogradConv winograd;
    private final SmallFilterGradient smallFilters;
    private final VectorGroupNorm groupNorm;
    private final Predicate<Conv2dShape> byWinograd;
    private final Scratch patchScratch = new Scratch();
    private final Scratch resultScratch = new Scratch();
    private final Scratch sumScratch = new Scratch();

    public VectorConvKernels(Parallel parallel, VectorGemmKernels gemm) {
        this(parallel, gemm, WinogradConv::fits);
    }

    /** @param byWinograd which convolutions of kernel 3x3 and stride 1 are computed by {@link WinogradConv} */
    public VectorConvKernels(Parallel parallel, VectorGemmKernels gemm, Predicate<Conv2dShape> byWinograd) {
        this.parallel = parallel;
        this.gemm = gemm;
        this.byWinograd = byWinograd;
        this.winograd = new WinogradConv(parallel);
        this.smallFilters = new SmallFilterGradient(parallel);
        this.groupNorm = new VectorGroupNorm(parallel);
    }

    @Override
    public void conv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        convolve(floats(y), floats(x), floats(w), floatsOrNull(bias), s);
    }

    @Override
    public void normSiluConv2d(
            Storage y, Storage x, Norm norm, Storage w, Storage bias, Storage residual, Conv2dShape s) {
        float[] ys = floats(y);
        float[] rs = floatsOrNull(residual);
        if (byWinograd.test(s)) {
            PictureRows rows = new PictureRows(floats(x), s, false, norm);
            winograd.forward(ys, rows, floats(w), floatsOrNull(bias), rs, s);
            return;
        }
        int area = s.inHeight() * s.inWidth();
        float[] normalized = new float[s.batch() * s.inChannels() * area];
        groupNorm.forwardSilu(
                normalized, floats(norm.stats()), floats(x), floats(norm.weight()), floats(norm.bias()),
                new NormKernels.GroupShape(s.batch(), s.inChannels(), area, norm.groups()));
        convolveDirectly(ys, normalized, floats(w), floatsOrNull(bias), s);
        if (rs != null) {
            addTo(ys, rs, s.batch() * s.outChannels() * s.outHeight() * s.outWidth());
        }
    }

    private void addTo(float[] y, float[] x, int n) {
        parallel.forRange(n, VectorElementwiseKernels.GRAIN, (from, to) -> {
            for (int i = from; i < to; i++) {
                y[i] = x[i] + y[i];
            }
        });
    }

    @Override
    public void upsampleConv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        if (byWinograd.test(s)) {
            PictureRows rows = new PictureRows(floats(x), s, true, null);
            winograd.forward(floats(y), rows, floats(w), floatsOrNull(bias), null, s);
            return;
        }
        int planes = s.batch() * s.inChannels();
        HeapStorage doubled = new HeapStorage(new float[planes * s.inHeight() * s.inWidth()]);
        upsampleNearest2x(doubled, x, planes, s.inHeight() / 2, s.inWidth() / 2);
        convolveDirectly(floats(y), floats(doubled), floats(w), floatsOrNull(bias), s);
    }

    private void convolve(float[] ys, float[] xs, float[] ws, float[] bs, Conv2dShape s) {
        if (byWinograd.test(s)) {
            winograd.forward(ys, new PictureRows(xs, s, false, null), ws, bs, null, s);
        } else {
            convolveDirectly(ys, xs, ws, bs, s);
        }
    }

    void convolveDirectly(float[] ys, float[] xs, float[] ws, float[] bs, Conv2dShape s) {
        int together = picturesTogether(s);
        if (together > 1) {
            convolveTogether(ys, xs, ws, bs, s, together);
            return;
        }
        int rows = blockRows(s);
        int blocks = (s.outHeight() + rows - 1) / rows;
        int area = s.outHeight() * s.outWidth();
        int depth = s.filterSize();
        parallel.forRange(s.batch() * blocks, 1, (from, to) -> {
            for (int piece = from; piece < to; piece++) {
                int n = piece / blocks;
                int i0 = piece % blocks * rows;
                int count = Math.min(rows, s.outHeight() - i0) * s.outWidth();
                float[] patches = patchScratch.floats(depth * count);
                Patches.fill(patches, 0, count, xs, Patches.Block.of(n, i0, count / s.outWidth(), s), s);
                float[] result = resultScratch.floats(s.outChannels() * count);
                gemm.product(result, 0, ws, 0, patches, GemmShape.of(s.outChannels(), count, depth), false);
                for (int o = 0; o < s.outChannels(); o++) {
                    int at = (n * s.outChannels() + o) * area + i0 * s.outWidth();
                    copyPlus(ys, at, result, o * count, count, bs == null ? 0 : bs[o]);
                }
            }
        });
    }

    /**
     * Pictures whose patches make one matrix, where those of one are so few that reading the filters for them takes
     * longer than multiplying: at least 1.
     */
    private static int picturesTogether(Conv2dShape s) {
        int area = s.outHeight() * s.outWidth();
        if ((long) s.outChannels() * s.filterSize() < LARGE_FILTERS || area >= FEW_COLUMNS) {
            return 1;
        }
        int most = Math.clamp(4L * PATCH_FLOATS / ((long) s.filterSize() * area), 1, FEW_COLUMNS / area);
        return Math.clamp(s.batch() / LEAST_PIECES, 1, most);
    }

    /** Whole pictures side by side; each element is computed as from a picture alone. */
    private void convolveTogether(float[] ys, float[] xs, float[] ws, float[] bs, Conv2dShape s, int together) {
        int area = s.outHeight() * s.outWidth();
        int depth = s.filterSize();
        parallel.forRange(s.batch(), together, (from, to) -> {
            int count = (to - from) * area;
            float[] patches = patchScratch.floats(depth * count);
            for (int n = from; n < to; n++) {
                Patches.fill(
                        patches, (n - from) * area, count, xs, Patches.Block.of(n, 0, s.outHeight(), s), s);
            }
            float[] result = resultScratch.floats(s.outChannels() * count);
            gemm.product(result, 0, ws, 0, patches, GemmShape.of(s.outChannels(), count, depth), false);
            for (int n = from; n < to; n++) {
                for (int o = 0; o < s.outChannels(); o++) {
                    copyPlus(
                            ys, (n * s.outChannels() + o) * area, result, o * count + (n - from) * area, area,
                            bs == null ? 0 : bs[o]);
                }
            }
        });
    }

    /** Output rows of a piece: as many as keep the patches within their share of the cache, evenly cut. */
    private static int blockRows(Conv2dShape s) {
        int most = Math.clamp(PATCH_FLOATS / ((long) s.filterSize() * s.outWidth()), 1, s.outHeight());
        int blocks = (s.outHeight() + most - 1) / most;
        return (s.outHeight() + blocks - 1) / blocks;
    }

    private static void copyPlus(float[] y, int yOff, float[] x, int xOff, int n, float b) {
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector.fromArray(F, x, xOff + i).add(b).intoArray(y, yOff + i);
        }
        for (; i < n; i++) {
            y[yOff + i] = x[xOff + i] + b;
        }
    }

    @Override
    public void conv2dBackwardInput(Storage dx, Storage dy, Storage w, Conv2dShape s) {
        boolean padsFit = s.padTop() < s.kernelHeight() && s.padBottom() < s.kernelHeight()
                && s.padLeft() < s.kernelWidth() && s.padRight() < s.kernelWidth();
        if (s.stride() == 1 && padsFit) {
            // the gradient is a convolution of dy with the filters turned around and their channels exchanged
            Conv2dShape t = new Conv2dShape(
                    s.batch(), s.outChannels(), s.outHeight(), s.outWidth(), s.inChannels(), s.kernelHeight(),
                    s.kernelWidth(),
                    1,
                    new Padding(
                            s.kernelHeight() - 1 - s.padTop(), s.kernelWidth() - 1 - s.padLeft(),
                            s.kernelHeight() - 1 - s.padBottom(), s.kernelWidth() - 1 - s.padRight()));
            convolve(floats(dx), floats(dy), turned(floats(w), s), null, t);
        } else {
            scatter(floats(dx), floats(dy), floats(w), s);
        }
    }

    /** (inChannels, outChannels, kernelHeight, kernelWidth), taps in the opposite order. */
    private float[] turned(float[] ws, Conv2dShape s) {
        int taps = s.kernelHeight() * s.kernelWidth();
        float[] turned = new float[s.outChannels() * s.filterSize()];
        int grain = Math.max(CHANNELS, TURN_GRAIN / (s.outChannels() * taps));
        parallel.forRange(s.inChannels(), grain, (c0, c1) -> {
            for (int o = 0; o < s.outChannels(); o++) {
                for (int c = c0; c < c1; c++) {
                    int from = (o * s.inChannels() + c) * taps;
                    int last = (c * s.outChannels() + o + 1) * taps - 1;
                    for (int t = 0; t < taps; t++) {
                        turned[last - t] = ws[from + t];
                    }
                }
            }
        });
        return turned;
    }

    /** Any stride: gradients of the patches, block by block, added to the pixels they were taken from. */
    private void scatter(float[] dxs, float[] dys, float[] ws, Conv2dShape s) {
        int rows = blockRows(s);
        int area = s.outHeight() * s.outWidth();
        int depth = s.filterSize();
        int picture = s.inChannels() * s.inHeight() * s.inWidth();
        parallel.forRange(s.batch(), 1, (from, to) -> {
            for (int n = from; n < to; n++) {
                Arrays.fill(dxs, n * picture, (n + 1) * picture, 0f);
                for (int i0 = 0; i0 < s.outHeight(); i0 += rows) {
                    int block = Math.min(rows, s.outHeight() - i0);
                    int count = block * s.outWidth();
                    float[] dyBlock = resultScratch.floats(s.outChannels() * count);
                    for (int o = 0; o < s.outChannels(); o++) {
                        int at = (n * s.outChannels() + o) * area + i0 * s.outWidth();
                        System.arraycopy(dys, at, dyBlock, o * count, count);
                    }
                    float[] patches = patchScratch.floats(depth * count);
                    gemm.product(
                            patches, 0, ws, 0, dyBlock, GemmShape.transposedA(depth, count, s.outChannels()), false);
                    Patches.addTo(dxs, patches, n, i0, block, s);
                }
            }
        });
    }

    @Override
    public void conv2dBackwardWeight(Storage dw, Storage dBias, Storage dy, Storage x, Conv2dShape s) {
        float[] dws = floats(dw);
        float[] dbs = floatsOrNull(dBias);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        if (SmallFilterGradient.fits(s)) {
            smallFilters.compute(dws, dys, xs, s);
        } else if (s.inChannels() >= LEAST_PIECES * CHANNELS) {
            filterGradientByChannels(dws, dys, xs, s);
        } else {
            filterGradientByShares(dws, dys, xs, s);
        }
        if (dbs != null) {
            int area = s.outHeight() * s.outWidth();
            parallel.forRange(s.outChannels(), Math.max(1, BIAS_GRAIN / Math.max(1, s.batch() * area)), (from, to) -> {
                for (int o = from; o < to; o++) {
                    double sum = 0;
                    for (int n = 0; n < s.batch(); n++) {
                        sum += VectorSums.sum(dys, (n * s.outChannels() + o) * area, area);
                    }
                    dbs[o] = (float) sum;
                }
            });
        }
    }

    /**
     * Pieces are some input channels, whose part of each filter all pictures add to: {@code dY patches^T}, as many
     * pictures and rows at a time as give few enough patches.
     */
    private void filterGradientByChannels(float[] dws, float[] dys, float[] xs, Conv2dShape s) {
        int out = s.outChannels();
        int taps = s.kernelHeight() * s.kernelWidth();
        int area = s.outHeight() * s.outWidth();
        int most = Math.max(s.outWidth(), PATCH_FLOATS / (CHANNELS * taps)); // positions at a time
        int together = Math.max(1, most / area); // pictures at a time
        int rows = Math.clamp(most / s.outWidth(), 1, s.outHeight());
        parallel.forRange(s.inChannels(), CHANNELS, (c0, c1) -> {
            int columns = (c1 - c0) * taps;
            float[] sums = sumScratch.zeros(out * columns);
            for (int n0 = 0; n0 < s.batch(); n0 += together) {
                int n1 = Math.min(s.batch(), n0 + together);
                for (int i0 = 0; i0 < s.outHeight(); i0 += rows) {
                    int block = Math.min(rows, s.outHeight() - i0);
                    int size = block * s.outWidth();
                    int count = (n1 - n0) * size;
                    float[] patches = patchScratch.floats(columns * count);
                    float[] dy = resultScratch.floats(out * count);
                    for (int n = n0; n < n1; n++) {
                        int at = (n - n0) * size;
                        Patches.fill(patches, at, count, xs, new Patches.Block(n, c0, c1, i0, block), s);
                        for (int o = 0; o < out; o++) {
                            int from = (n * out + o) * area + i0 * s.outWidth();
                            System.arraycopy(dys, from, dy, o * count + at, size);
                        }
                    }
                    gemm.product(sums, 0, dy, 0, patches, GemmShape.transposedB(out, columns, count), true);
                }
            }
            for (int o = 0; o < out; o++) {
                System.arraycopy(sums, o * columns, dws, o * s.filterSize() + c0 * taps, columns);
            }
        });
    }

    /** Few input channels: pieces are shares of the rows of all pictures, each with a sum of its own. */
    private void filterGradientByShares(float[] dws, float[] dys, float[] xs, Conv2dShape s) {
        int weights = s.outChannels() * s.filterSize();
        int rows = blockRows(s);
        int blocks = (s.outHeight() + rows - 1) / rows;
        int units = s.batch() * blocks;
        int shares = Math.clamp(Math.min(units, SHARE_FLOATS / weights), 1, SHARES);
        float[] sums = shares == 1 ? dws : new float[shares * weights];
        Arrays.fill(sums, 0, shares * weights, 0f);
        parallel.forRange(shares, 1, (from, to) -> {
            for (int share = from; share < to; share++) {
                int first = (int) ((long) units * share / shares);
                int last = (int) ((long) units * (share + 1) / shares);
                for (int unit = first; unit < last; unit++) {
                    int i0 = unit % blocks * rows;
                    Patches.Block block =
                            Patches.Block.of(unit / blocks, i0, Math.min(rows, s.outHeight() - i0), s);
                    addFilterGradient(sums, share * weights, dys, xs, block, s);
                }
            }
        });
        if (shares > 1) {
            parallel.forRange(weights, 4096, (from, to) -> {
                System.arraycopy(sums, from, dws, from, to - from);
                for (int share = 1; share < shares; share++) {
                    for (int i = from; i < to; i++) {
                        dws[i] += sums[share * weights + i];
                    }
                }
            });
        }
    }

    /** Adds the part of some rows of a picture, {@code dY patches^T}. */
    private void addFilterGradient(
            float[] sums, int offset, float[] dys, float[] xs, Patches.Block block, Conv2dShape s) {
        int area = s.outHeight() * s.outWidth();
        int count = block.rows() * s.outWidth();
        float[] patches = patchScratch.floats(s.filterSize() * count);
        Patches.fill(patches, 0, count, xs, block, s);
        float[] dyBlock = dys;
        int dyOff = block.n() * s.outChannels() * area;
        if (count < area) {
            dyBlock = resultScratch.floats(s.outChannels() * count);
            for (int o = 0; o < s.outChannels(); o++) {
                System.arraycopy(dys, dyOff + o * area + block.i0() * s.outWidth(), dyBlock, o * count, count);
            }
            dyOff = 0;
        }
        gemm.product(
                sums, offset, dyBlock, dyOff, patches,
                GemmShape.transposedB(s.outChannels(), s.filterSize(), count), true);
    }

    @Override
    public void upsampleNearest2x(Storage y, Storage x, int planes, int height, int width) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        parallel.forRange(planes * height, rowGrain(width), (from, to) -> {
            for (int row = from; row < to; row++) {
                int at = row * 4 * width;
                for (int j = 0; j < width; j++) {
                    ys[at + 2 * j] = xs[row * width + j];
                    ys[at + 2 * j + 1] = xs[row * width + j];
                }
                System.arraycopy(ys, at, ys, at + 2 * width, 2 * width);
            }
        });
    }

    @Override
    public void upsampleNearest2xBackward(Storage dx, Storage dy, int planes, int height, int width) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        parallel.forRange(planes * height, rowGrain(width), (from, to) -> {
            for (int row = from; row < to; row++) {
                int top = row * 4 * width;
                int bottom = top + 2 * width;
                for (int j = 0; j < width; j++) {
                    dxs[row * width + j] =
                            dys[top + 2 * j] + dys[top + 2 * j + 1] + dys[bottom + 2 * j] + dys[bottom + 2 * j + 1];
                }
            }
        });
    }

    /** Rows of a piece: enough to be worth handing to another thread. */
    private static int rowGrain(int width) {
        return Math.max(1, (1 << 14) / Math.max(1, width));
    }
}
