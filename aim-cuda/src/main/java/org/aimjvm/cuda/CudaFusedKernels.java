package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.orNull;
import static org.aimjvm.cuda.CudaStorage.plain;
import static org.aimjvm.cuda.Grid.WARP;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import jcuda.driver.CUdevice_attribute;
import org.aimjvm.backend.FusedKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;

/**
 * Launches {@code kernels/linear_<format>.cu} with more to do than the product, and {@code kernels/normed_<format>.cu}.
 */
final class CudaFusedKernels implements FusedKernels {
    /** System property: {@code on} (the default), {@code conv} (norms are kernels of their own) or {@code off}. */
    static final String PROPERTY = "aim.cuda.fused";

    /** Width of the convolution that {@code kernels/linear.cuh} knows, that of all published models. */
    private static final int CONV_WIDTH = 4;
    /** Rows that a normalisation is done for by every block: with more its work outweighs a launch. */
    private static final int NORMED_ROWS = 4;

    private static final int MAX_WARPS = 16;

    /**
     * A normalisation: {@code Norm} of {@code kernels/normed.cuh}, which says what becomes of them.
     *
     * @param sum output, or {@code null}
     * @param residual {@code null} for a gated norm
     * @param shift may be {@code null}, as scale
     */
    private record Norm(
            CudaStorage sum, CudaStorage a, CudaStorage b, CudaStorage residual, CudaStorage weight, CudaStorage shift,
            CudaStorage scale, int groups, boolean normFirst, float eps) {}

    private final CudaContext context;
    private final LinearKernels linear;
    private final int maxShared; // bytes of a block
    private final boolean convs;
    private final boolean norms;
    private final Map<WeightFormat, Kernel[]> normed = new EnumMap<>(WeightFormat.class); // by log of rows

    /** @throws IllegalArgumentException if {@value #PROPERTY} has another value */
    CudaFusedKernels(CudaContext context, LinearKernels linear) {
        String property = System.getProperty(PROPERTY, "on");
        if (!property.equals("on") && !property.equals("conv") && !property.equals("off")) {
            throw new IllegalArgumentException(PROPERTY + ": " + property + " (expected on, conv or off)");
        }
        this.convs = !property.equals("off");
        this.norms = property.equals("on");
        this.context = context;
        this.linear = linear;
        this.maxShared = context.gpu()
                .attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    }

    /** Loads what frozen weights of a format need; before a capture, as it may wait for the device. */
    void prepare(WeightFormat format) {
        if (!norms) {
            return;
        }
        synchronized (context.gpu()) {
            normed.computeIfAbsent(format, f -> {
                String name = f.name().toLowerCase(Locale.ROOT);
                KernelModule module = context.module("normed_" + name);
                Kernel[] byRows = new Kernel[Integer.numberOfTrailingZeros(NORMED_ROWS) + 1];
                for (int i = 0; i < byRows.length; i++) {
                    byRows[i] = module.kernel("linear_normed_" + name + "_" + (1 << i));
                }
                return byRows;
            });
        }
    }

    @Override
    public boolean takesLinearConv(int batch, int width) {
        return convs && batch <= LinearKernels.FEW_ROWS && width == CONV_WIDTH;
    }

    @Override
    public void linearConv(Pieces y, Storage state, Storage x, ConvLayer layer, int batch, int in) {
        linear.fewRows(columns(y, state, layer), x, layer.w(), batch, y.columns(), in);
    }

    @Override
    public void linearConv(Pieces y, Storage state, ResidualNorm x, ConvLayer layer, int batch, int in) {
        Norm norm = new Norm(
                plain(x.sum()), plain(x.branch()), plain(x.gate()), plain(x.residual()), plain(x.weight()),
                orNull(x.shift()), orNull(x.scale()), 1, false, x.eps());
        normed(columns(y, state, layer), norm, layer.w(), batch, y.columns(), in);
    }

    private static LinearKernels.Columns columns(Pieces y, Storage state, ConvLayer layer) {
        return new LinearKernels.Columns(
                orNull(y.before()), plain(y.convolved()), orNull(y.after()), plain(state), orNull(layer.bias()),
                plain(layer.convWeight()), orNull(layer.convBias()), y.columnsBefore(), y.channels(), layer.silu());
    }

    /**
     * Plain F32 weights are those of a training, which seldom decodes: their kernels are loaded at the first decoding
     * step outside of a capture, and are not taken before.
     */
    @Override
    public boolean takesNormedLinear(Storage w, int rows, int in, int groups) {
        WeightFormat format = LinearKernels.format(w);
        if (!norms || rows > NORMED_ROWS || in % 4 != 0 || rowBytes(format, in) % 16 != 0
                || warpsThatFit(format, rows, in, groups) == 0) {
            return false;
        }
        synchronized (context.gpu()) {
            if (!context.gpu().isCapturing()) {
                prepare(format);
            }
            return normed.containsKey(format);
        }
    }

    private static int rowBytes(WeightFormat format, int in) {
        return switch (format) {
            case F32 -> 4 * in;
            case BF16 -> 2 * in;
            case INT8 -> in;
            case INT4 -> in / 2;
        };
    }

    /** Warps of a row of the norm, as many as in {@code kernels/norm.cu}: they add in the same order. */
    private static int rowWarps(int cols) {
        return Grid.rowThreads(cols, MAX_WARPS * WARP) / WARP;
    }

    private static int tasks(int rows, int in, int groups) {
        return rows * groups * rowWarps(in / groups);
    }

    private static long normBytes(int rows, int in, int groups) {
        return 4L * rows * in + 8L * Grid.blocks(tasks(rows, in, groups), 2) * 2;
    }

    private int warpsThatFit(WeightFormat format, int rows, int in, int groups) {
        return Math.clamp((maxShared - normBytes(rows, in, groups)) / LinearKernels.ringBytes(format, rows), 0,
                MAX_WARPS);
    }

    private void normed(LinearKernels.Columns to, Norm norm, Storage w, int rows, int out, int in) {
        if (rows == 0) {
            return;
        }
        WeightFormat format = LinearKernels.format(w);
        int warps = Grid.blocks(out, WARP / LinearKernels.lanes(format));
        // as many as a multiprocessor's share, if they fit
        int streams = Math.clamp(
                Grid.blocks(warps, context.gpu().multiprocessors()), 1,
                warpsThatFit(format, rows, in, norm.groups));
        int width = in / norm.groups;
        int blockWarps = Math.max(streams, Math.min(MAX_WARPS, tasks(rows, in, norm.groups)));
        long shared = (long) streams * LinearKernels.ringBytes(format, rows) + normBytes(rows, in, norm.groups);
        Kernel[] kernels;
        synchronized (context.gpu()) {
            kernels = normed.get(format);
        }
        Grid grid = Grid.of(Grid.blocks(warps, streams), blockWarps * WARP).shared(Math.toIntExact(shared));
        to.give(kernels[Grid.log2(rows)].on(grid))
                .arg("sum", norm.sum).arg("a", norm.a).arg("b", norm.b).arg("residual", norm.residual)
                .arg("weight", norm.weight).arg("shift", norm.shift).arg("scale", norm.scale)
                .arg("warps_of_row", rowWarps(width)).arg("groups", norm.groups).arg("norm_first", norm.normFirst)
                .arg("inverse_width", 1.0 / width).arg("eps", norm.eps)
                .arg("w", LinearKernels.values(w)).arg("scales", LinearKernels.scales(w))
                .arg("rows", rows).arg("out", out).arg("in", in).arg("streams", streams)
                .launch();
    }

    @Override
    public void gatedNormLinear(Storage y, GatedNorm x, Storage w, Storage bias, int rows, int out, int in) {
        Norm norm = new Norm(
                null, plain(x.x()), plain(x.z()), null, plain(x.weight()), null, null, x.groups(), x.normBeforeGate(),
                x.eps());
        normed(LinearKernels.Columns.plain(y, bias, out), norm, w, rows, out, in);
    }
}
