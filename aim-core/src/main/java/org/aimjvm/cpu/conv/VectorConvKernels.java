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

/**
 * Convolutions as matrix products. A piece of work is a block of output rows of one picture: its patches are laid out as the
 * columns of a matrix that fits the second-level cache (im2col), which the filters multiply. Pieces do not depend on the
 * number of threads, and a picture's result does not depend on the batch.
 */
public final class VectorConvKernels implements ConvKernels {
    /** Floats of a block of patches: 1 MiB. */
    private static final int PATCH_FLOATS = 1 << 18;
    /** Shares that the pictures of a batch are cut into for the gradient of the filters, each with a sum of its own. */
    private static final int SHARES = 8;
    /** Floats of all those sums together, at most: 64 MiB. */
    private static final int SHARE_FLOATS = 1 << 24;

    private final Parallel parallel;
    private final VectorGemmKernels gemm;
    private final WinogradConv winograd;
    private final VectorGroupNorm groupNorm;
    private final Predicate<Conv2dShape> byWinograd;
    private final Scratch patchScratch = new Scratch();
    private final Scratch resultScratch = new Scratch();

    public VectorConvKernels(Parallel parallel, VectorGemmKernels gemm) {
        this(parallel, gemm, WinogradConv::fits);
    }

    /** @param byWinograd which convolutions of kernel 3x3 and stride 1 are computed by {@link WinogradConv} */
    public VectorConvKernels(Parallel parallel, VectorGemmKernels gemm, Predicate<Conv2dShape> byWinograd) {
        this.parallel = parallel;
        this.gemm = gemm;
        this.byWinograd = byWinograd;
        this.winograd = new WinogradConv(parallel);
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
                patches(patches, xs, n, i0, count / s.outWidth(), s);
                float[] result = resultScratch.floats(s.outChannels() * count);
                gemm.product(result, 0, ws, 0, patches, GemmShape.of(s.outChannels(), count, depth), false);
                for (int o = 0; o < s.outChannels(); o++) {
                    int at = (n * s.outChannels() + o) * area + i0 * s.outWidth();
                    copyPlus(ys, at, result, o * count, count, bs == null ? 0 : bs[o]);
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

    /**
     * Patches under output rows [i0, i0 + rows): row (c, u, v) of the matrix holds, for every output of the block, the pixel under
     * tap (u, v) of channel c, 0 in the padding.
     */
    private static void patches(float[] patches, float[] xs, int n, int i0, int rows, Conv2dShape s) {
        int at = 0;
        int width = s.outWidth();
        for (int c = 0; c < s.inChannels(); c++) {
            int plane = (n * s.inChannels() + c) * s.inHeight() * s.inWidth();
            for (int u = 0; u < s.kernelHeight(); u++) {
                for (int v = 0; v < s.kernelWidth(); v++) {
                    // outputs j0 to j1 have their pixel inside the picture: 0 <= j stride + v - padLeft < inWidth
                    int j0 = Math.clamp(ceilDiv(s.padLeft() - v, s.stride()), 0, width);
                    int j1 = Math.clamp(ceilDiv(s.inWidth() + s.padLeft() - v, s.stride()), j0, width);
                    if (s.stride() == 1 && width == s.inWidth()) {
                        shiftedRows(patches, at, xs, plane, i0 + u - s.padTop(), rows, v - s.padLeft(), j0, j1, s);
                        at += rows * width;
                        continue;
                    }
                    for (int i = i0; i < i0 + rows; i++, at += width) {
                        int row = i * s.stride() + u - s.padTop();
                        if (row < 0 || row >= s.inHeight()) {
                            Arrays.fill(patches, at, at + width, 0f);
                            continue;
                        }
                        Arrays.fill(patches, at, at + j0, 0f);
                        int from = plane + row * s.inWidth() + j0 * s.stride() + v - s.padLeft();
                        if (s.stride() == 1) {
                            System.arraycopy(xs, from, patches, at + j0, j1 - j0);
                        } else {
                            for (int j = j0; j < j1; j++, from += s.stride()) {
                                patches[at + j] = xs[from];
                            }
                        }
                        Arrays.fill(patches, at + j1, at + width, 0f);
                    }
                }
            }
        }
    }

    /**
     * Patches of one tap where outputs lie as pixels do: the picture from {@code row} on, moved by {@code shift} columns, is one
     * run of memory, in which the columns outside [j0, j1) are then cleared. So a call copies a whole plane, not a row.
     */
    private static void shiftedRows(
            float[] patches, int at, float[] xs, int plane, int row, int rows, int shift, int j0, int j1,
            Conv2dShape s) {
        int width = s.inWidth();
        int first = Math.clamp(-row, 0, rows);
        int last = Math.clamp(s.inHeight() - row, first, rows);
        Arrays.fill(patches, at, at + first * width, 0f);
        Arrays.fill(patches, at + last * width, at + rows * width, 0f);
        if (first < last && j0 < j1) {
            int from = plane + (row + first) * width + j0 + shift;
            System.arraycopy(xs, from, patches, at + first * width + j0, (last - first - 1) * width + j1 - j0);
        }
        for (int i = at + first * width; i < at + last * width; i += width) {
            for (int j = 0; j < j0; j++) {
                patches[i + j] = 0;
            }
            for (int j = j1; j < width; j++) {
                patches[i + j] = 0;
            }
        }
    }

    private static int ceilDiv(int a, int b) {
        return Math.ceilDiv(a, b);
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

    private static float[] turned(float[] ws, Conv2dShape s) {
        int taps = s.kernelHeight() * s.kernelWidth();
        float[] turned = new float[s.outChannels() * s.filterSize()];
        for (int o = 0; o < s.outChannels(); o++) {
            for (int c = 0; c < s.inChannels(); c++) {
                for (int t = 0; t < taps; t++) {
                    turned[(c * s.outChannels() + o) * taps + taps - 1 - t] = ws[(o * s.inChannels() + c) * taps + t];
                }
            }
        }
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
                    addPatches(dxs, patches, n, i0, block, s);
                }
            }
        });
    }

    private static void addPatches(float[] dxs, float[] patches, int n, int i0, int rows, Conv2dShape s) {
        int at = 0;
        int width = s.outWidth();
        for (int c = 0; c < s.inChannels(); c++) {
            int plane = (n * s.inChannels() + c) * s.inHeight() * s.inWidth();
            for (int u = 0; u < s.kernelHeight(); u++) {
                for (int v = 0; v < s.kernelWidth(); v++) {
                    int j0 = Math.clamp(ceilDiv(s.padLeft() - v, s.stride()), 0, width);
                    int j1 = Math.clamp(ceilDiv(s.inWidth() + s.padLeft() - v, s.stride()), j0, width);
                    for (int i = i0; i < i0 + rows; i++, at += width) {
                        int row = i * s.stride() + u - s.padTop();
                        if (row >= 0 && row < s.inHeight()) {
                            int to = plane + row * s.inWidth() + j0 * s.stride() + v - s.padLeft();
                            for (int j = j0; j < j1; j++, to += s.stride()) {
                                dxs[to] += patches[at + j];
                            }
                        }
                    }
                }
            }
        }
    }

    @Override
    public void conv2dBackwardWeight(Storage dw, Storage dBias, Storage dy, Storage x, Conv2dShape s) {
        float[] dws = floats(dw);
        float[] dbs = floatsOrNull(dBias);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        int weights = s.outChannels() * s.filterSize();
        int shares = Math.clamp(Math.min(s.batch(), SHARE_FLOATS / weights), 1, SHARES);
        float[] sums = shares == 1 ? dws : new float[shares * weights];
        Arrays.fill(sums, 0, shares * weights, 0f);
        parallel.forRange(shares, 1, (from, to) -> {
            for (int share = from; share < to; share++) {
                int first = (int) ((long) s.batch() * share / shares);
                int last = (int) ((long) s.batch() * (share + 1) / shares);
                for (int n = first; n < last; n++) {
                    addFilterGradient(sums, share * weights, dys, xs, n, s);
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
        if (dbs != null) {
            int area = s.outHeight() * s.outWidth();
            parallel.forRange(s.outChannels(), 1, (from, to) -> {
                for (int o = from; o < to; o++) {
                    double sum = 0;
                    for (int n = 0; n < s.batch(); n++) {
                        sum += planeSum(dys, (n * s.outChannels() + o) * area, area);
                    }
                    dbs[o] = (float) sum;
                }
            });
        }
    }

    /** Adds picture n's part, {@code dY patches^T}. */
    private void addFilterGradient(float[] sums, int offset, float[] dys, float[] xs, int n, Conv2dShape s) {
        int rows = blockRows(s);
        int area = s.outHeight() * s.outWidth();
        for (int i0 = 0; i0 < s.outHeight(); i0 += rows) {
            int block = Math.min(rows, s.outHeight() - i0);
            int count = block * s.outWidth();
            float[] patches = patchScratch.floats(s.filterSize() * count);
            patches(patches, xs, n, i0, block, s);
            float[] dyBlock = dys;
            int dyOff = n * s.outChannels() * area;
            if (block < s.outHeight()) {
                dyBlock = resultScratch.floats(s.outChannels() * count);
                for (int o = 0; o < s.outChannels(); o++) {
                    System.arraycopy(dys, dyOff + o * area + i0 * s.outWidth(), dyBlock, o * count, count);
                }
                dyOff = 0;
            }
            gemm.product(
                    sums, offset, dyBlock, dyOff, patches,
                    GemmShape.transposedB(s.outChannels(), s.filterSize(), count), true);
        }
    }

    private static double planeSum(float[] x, int offset, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += x[offset + i];
        }
        return sum;
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
