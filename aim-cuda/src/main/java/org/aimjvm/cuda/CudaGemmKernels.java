package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.backend.GemmKernels;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.Storage;

/**
 * Launches {@code kernels/gemm_<precision>.cu}; linear layers with {@link LinearKernels}.
 *
 * <p>Products of F32 matrices have the backend's {@link MatmulPrecision}. Linear layers of few rows multiply exactly
 * whatever that is, as there the tensor cores would wait for the weights; so do layers with weights in a format of
 * their own, to about 2^-16.
 */
final class CudaGemmKernels implements GemmKernels {
    private static final int SMALL = 64;
    private static final int LARGE = 128;
    private static final int SMALL_THREADS = 128;
    private static final int THREADS = 256;

    /** As {@link LinearKernels#FEW_ROWS} for exact products where there are fewer tiles than multiprocessors. */
    private static final int FEW_ROWS_EXACT = 256;

    private final CudaContext context;
    private final LinearKernels linear;
    private final boolean exact;
    private final Cublas.Choice cublas;
    private final Kernel[] small = new Kernel[4]; // by layout()
    private final Kernel[] large = new Kernel[4];

    CudaGemmKernels(CudaContext context, LinearKernels linear) {
        this.context = context;
        this.linear = linear;
        MatmulPrecision precision = context.precision();
        KernelModule module = context.module("gemm_" + precision);
        this.exact = precision == MatmulPrecision.F32;
        for (int layout = 0; layout < 4; layout++) {
            String name = "gemm_" + ((layout & 2) == 0 ? "n" : "t") + ((layout & 1) == 0 ? "n" : "t") + "_";
            small[layout] = module.kernel(name + SMALL + "_" + precision);
            large[layout] =
                    exact || layout == layout(true, true) ? null : module.kernel(name + LARGE + "_" + precision);
        }
        this.cublas = Cublas.choose(context);
    }

    /** For users: what computes large products. */
    String description() {
        return cublas.text();
    }

    private static int layout(boolean transA, boolean transB) {
        return (transA ? 2 : 0) + (transB ? 1 : 0);
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
            linear.fewRows(LinearKernels.Columns.plain(c, null, n), a, b, m, n, k);
            return;
        }
        if (cublas.library() != null && batch > 0 && Cublas.isLarge(m, n, k)) {
            cublas.library().gemm(plain(c), plain(a), plain(b), batch, m, n, k, transA, transB, accumulate);
            return;
        }
        int layout = layout(transA, transB);
        boolean isLarge = large[layout] != null && tiles(LARGE, batch, m, n) >= context.gpu().multiprocessors();
        Kernel kernel = isLarge ? large[layout] : small[layout];
        int edge = isLarge ? LARGE : SMALL;
        kernel.launch(
                Grid.of(Grid.blocks(n, edge), Grid.blocks(m, edge), batch, isLarge || exact ? THREADS : SMALL_THREADS),
                plain(c), plain(a), plain(b), m, n, k, accumulate);
    }

    private boolean isFewRows(int rows, int out, boolean exactTiles) {
        return rows <= LinearKernels.FEW_ROWS
                || exactTiles && rows <= FEW_ROWS_EXACT && tiles(SMALL, 1, rows, out) < context.gpu().multiprocessors();
    }

    @Override
    public void linear(Storage y, Storage x, Storage w, int rows, int out, int in) {
        if (!(w instanceof CudaWeights weights) || weights.isPlain()) {
            gemm(y, x, w, GemmShape.transposedB(rows, out, in), false);
        } else if (isFewRows(rows, out, false)) {
            linear.fewRows(LinearKernels.Columns.plain(y, null, out), x, w, rows, out, in);
        } else {
            linear.tiles(y, x, weights, rows, out, in);
        }
    }
}
