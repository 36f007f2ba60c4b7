package org.aimjvm.cuda;

import static org.aimjvm.cuda.CudaStorage.plain;

import org.aimjvm.tensor.GemmKernels;
import org.aimjvm.tensor.Storage;

/** Launches {@code kernels/gemm_<precision>.cu}. */
final class CudaGemmKernels implements GemmKernels {
    private static final int SMALL = 64;
    private static final int LARGE = 128;
    private static final int SMALL_THREADS = 128;
    private static final int THREADS = 256;

    private final CudaBackend backend;
    private final Kernel[] small = new Kernel[4]; // by layout()
    private final Kernel[] large = new Kernel[4];
    private final int smallThreads;

    CudaGemmKernels(CudaBackend backend) {
        this.backend = backend;
        KernelModule module = backend.module("gemm_" + backend.precision());
        MatmulPrecision precision = backend.precision();
        boolean exact = precision == MatmulPrecision.F32;
        for (int layout = 0; layout < 4; layout++) {
            String name = "gemm_" + ((layout & 2) == 0 ? "n" : "t") + ((layout & 1) == 0 ? "n" : "t") + "_";
            small[layout] = module.kernel(name + SMALL + "_" + precision);
            large[layout] = exact || layout == 3 ? null : module.kernel(name + LARGE + "_" + precision);
        }
        this.smallThreads = exact ? THREADS : SMALL_THREADS;
    }

    @Override
    public void gemm(
            Storage c, Storage a, Storage b, int batch, int m, int n, int k, boolean transA, boolean transB,
            boolean accumulate) {
        int layout = (transA ? 2 : 0) + (transB ? 1 : 0);
        long tiles = (long) batch * Grid.blocks(m, LARGE) * Grid.blocks(n, LARGE);
        boolean isLarge = large[layout] != null && tiles >= backend.gpu().multiprocessors();
        Kernel kernel = isLarge ? large[layout] : small[layout];
        int edge = isLarge ? LARGE : SMALL;
        kernel.launch(
                Grid.of(Grid.blocks(n, edge), Grid.blocks(m, edge), batch, isLarge ? THREADS : smallThreads), plain(c),
                plain(a),
                plain(b), m, n, k, accumulate);
    }

    @Override
    public void linear(Storage y, Storage x, Storage w, int rows, int out, int in) {
        gemm(y, x, w, 1, rows, out, in, false, true, false);
    }
}
