package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.aimjvm.backend.GemmKernels;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;

/**
 * Launches {@code kernels/gemm_<precision>.cu} and {@code kernels/linear_<format>.cu}.
 *
 * <p>Products of F32 matrices have the backend's {@link MatmulPrecision}. Linear layers of few rows multiply exactly whatever that
 * is, as there the tensor cores would wait for the weights; so do layers with weights in a format of their own, to about 2^-16.
 */
final class CudaGemmKernels implements GemmKernels {
    private static final int SMALL = 64;
    private static final int LARGE = 128;
    private static final int SMALL_THREADS = 128;
    private static final int THREADS = 256;

    private static final int WARP = 32;
    /** Rows that a block of the kernels for few rows takes: powers of two up to this. */
    private static final int ROWS_OF_BLOCK = 16;
    /** With more rows tensor cores are faster than reading the weights again for every 16. */
    static final int FEW_ROWS = 32;
    /** As {@link #FEW_ROWS} for exact products where there are fewer tiles than multiprocessors. */
    private static final int FEW_ROWS_EXACT = 256;
    /** Warps on a multiprocessor below which rows are spread over more blocks. */
    private static final int WARPS_WANTED = 4;

    /**
     * Where the columns of a linear layer of few rows go: {@code Columns} of {@code kernels/linear.cuh}, which says more.
     *
     * @param y the first {@code columns}, {@code null} if there are none
     * @param convolved the next {@code channels} after their convolution
     * @param after the others
     * @param state of the convolution
     * @param bias of all columns, or {@code null}
     * @param convBias may be {@code null}
     */
    record Columns(
            CudaStorage y, CudaStorage convolved, CudaStorage after, CudaStorage state, CudaStorage bias,
            CudaStorage convWeight, CudaStorage convBias, int columns, int channels, boolean silu) {
        /** All columns to one matrix. */
        static Columns plain(Storage y, int out) {
            return new Columns(CudaStorage.plain(y), null, null, null, null, null, null, out, 0, false);
        }
    }

    /** Kernels for weights of one format. */
    private record Linear(Kernel[] byRows, Kernel small, Kernel large) {
        static Linear load(CudaBackend backend, WeightFormat format) {
            String name = format.name().toLowerCase(Locale.ROOT);
            KernelModule module = backend.module("linear_" + name);
            Kernel[] byRows = new Kernel[Integer.numberOfTrailingZeros(ROWS_OF_BLOCK) + 1];
            for (int i = 0; i < byRows.length; i++) {
                byRows[i] = module.kernel("linear_" + name + "_" + (1 << i));
            }
            boolean tiles = format != WeightFormat.F32;
            return new Linear(
                    byRows,
                    tiles ? module.kernel("linear_tile_" + name + "_" + SMALL) : null,
                    tiles ? module.kernel("linear_tile_" + name + "_" + LARGE) : null);
        }
    }

    private final CudaBackend backend;
    private final boolean exact;
    private final Cublas.Choice cublas;
    private final Kernel[] small = new Kernel[4]; // by layout()
    private final Kernel[] large = new Kernel[4];
    private final Map<WeightFormat, Linear> linear = new EnumMap<>(WeightFormat.class);

    CudaGemmKernels(CudaBackend backend) {
        this.backend = backend;
        MatmulPrecision precision = backend.precision();
        KernelModule module = backend.module("gemm_" + precision);
        this.exact = precision == MatmulPrecision.F32;
        for (int layout = 0; layout < 4; layout++) {
            String name = "gemm_" + ((layout & 2) == 0 ? "n" : "t") + ((layout & 1) == 0 ? "n" : "t") + "_";
            small[layout] = module.kernel(name + SMALL + "_" + precision);
            large[layout] =
                    exact || layout == layout(true, true) ? null : module.kernel(name + LARGE + "_" + precision);
        }
        prepare(WeightFormat.F32);
        this.cublas = Cublas.choose(backend);
    }

    /** For users: what computes large products. */
    String description() {
        return cublas.text();
    }

    private static int layout(boolean transA, boolean transB) {
        return (transA ? 2 : 0) + (transB ? 1 : 0);
    }

    /** Loads what weights of a format need; before a capture, as it may wait for the device. */
    void prepare(WeightFormat format) {
        synchronized (backend.gpu()) { // the one lock of the backend, which loading takes
            linear.computeIfAbsent(format, f -> Linear.load(backend, f));
        }
    }

    private static long tiles(int edge, int batch, int m, int n) {
        return (long) batch * Grid.blocks(m, edge) * Grid.blocks(n, edge);
    }

    @Override
    public void gemm(Storage c, Storage a, Storage b, GemmShape s, boolean accumulate) {
        int batch = s.batch();
        int m = s.m();
        int n = s.n();
        int k = s.k();
        boolean transA = s.transA();
        boolean transB = s.transB();
        if (batch == 1 && !transA && transB && !accumulate && isFewRows(m, n, exact)) {
            fewRows(Columns.plain(c, n), a, b, m, n, k);
            return;
        }
        if (cublas.library() != null && batch > 0 && Cublas.isLarge(m, n, k)) {
            cublas.library().gemm(plain(c), plain(a), plain(b), batch, m, n, k, transA, transB, accumulate);
            return;
        }
        int layout = layout(transA, transB);
        boolean isLarge = large[layout] != null && tiles(LARGE, batch, m, n) >= backend.gpu().multiprocessors();
        Kernel kernel = isLarge ? large[layout] : small[layout];
        int edge = isLarge ? LARGE : SMALL;
        kernel.launch(
                Grid.of(Grid.blocks(n, edge), Grid.blocks(m, edge), batch, isLarge || exact ? THREADS : SMALL_THREADS),
                plain(c), plain(a), plain(b), m, n, k, accumulate);
    }

    private boolean isFewRows(int rows, int out, boolean exactTiles) {
        return rows <= FEW_ROWS
                || exactTiles && rows <= FEW_ROWS_EXACT && tiles(SMALL, 1, rows, out) < backend.gpu().multiprocessors();
    }

    @Override
    public void linear(Storage y, Storage x, Storage w, int rows, int out, int in) {
        if (!(w instanceof CudaWeights weights) || weights.format() == WeightFormat.F32) {
            gemm(y, x, w, GemmShape.transposedB(rows, out, in), false);
        } else if (isFewRows(rows, out, false)) {
            fewRows(Columns.plain(y, out), x, w, rows, out, in);
        } else {
            boolean isLarge = tiles(LARGE, 1, rows, out) >= backend.gpu().multiprocessors();
            Linear kernels = kernels(weights.format());
            int edge = isLarge ? LARGE : SMALL;
            (isLarge ? kernels.large : kernels.small).launch(
                    Grid.of(Grid.blocks(out, edge), Grid.blocks(rows, edge), isLarge ? THREADS : SMALL_THREADS),
                    plain(y),
                    plain(x), weights, weights.scales(), rows, out, in);
        }
    }

    private Linear kernels(WeightFormat format) {
        synchronized (backend.gpu()) {
            return linear.get(format);
        }
    }

    /** The linear layer streamed for few rows; {@code w} plain F32 or in its format. */
    void fewRows(Columns to, Storage x, Storage w, int rows, int out, int in) {
        if (rows == 0) {
            return;
        }
        CudaWeights weights = w instanceof CudaWeights own ? own : null;
        WeightFormat format = weights == null ? WeightFormat.F32 : weights.format();
        int lanes = format == WeightFormat.F32 ? 4 : 8;
        int blocks = Grid.blocks(out, WARP / lanes);
        int log = Math.min(WARP - Integer.numberOfLeadingZeros(rows - 1), Integer.numberOfTrailingZeros(ROWS_OF_BLOCK));
        while (log > 2 && (long) blocks * Grid.blocks(rows, 1 << log)
                < (long) WARPS_WANTED * backend.gpu().multiprocessors()) {
            log--;
        }
        kernels(format).byRows[log].launch(
                Grid.of(blocks, Grid.blocks(rows, 1 << log), WARP), to.y, to.convolved, to.after, to.state, plain(x),
                weights == null ? plain(w) : weights, weights == null ? null : weights.scales(), to.bias, to.convWeight,
                to.convBias, rows, out, in, to.columns, to.channels, to.silu);
    }
}
