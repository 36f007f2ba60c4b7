package org.aimjvm.cuda;

import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.runtime.cudaStream_t;
import org.aimjvm.backend.BackendException;

/**
 * cuBLAS of CUDA 12 through JCublas, whose native part is linked to {@code libcublas.so.12} and to no other version.
 */
final class JCublasCalls implements CublasCalls {
    /** JCublas, loaded once; an attempt that has failed cannot be made again. */
    private static final class Loaded {
        static final String PROBLEM = load();

        private static String load() {
            try {
                JCublas2.initialize();
                return null;
            } catch (LinkageError | CudaException e) {
                String message = String.valueOf(e.getMessage());
                String line = message.lines().filter(l -> l.contains("libcublas")).findFirst().orElse(
                        message.lines().findFirst().orElse(""));
                return "JCublas does not load: " + line.strip();
            }
        }
    }

    private final cublasHandle handle;
    private final Pointer one = Pointer.to(new float[] {1});
    private final Pointer zero = Pointer.to(new float[] {0});

    private JCublasCalls(cublasHandle handle) {
        this.handle = handle;
    }

    /**
     * A new handle; to be called only where {@code libcublas.so.12} is loaded.
     *
     * @throws BackendException if JCublas does not load or the library does not start
     */
    static JCublasCalls open() {
        if (Loaded.PROBLEM != null) {
            throw new BackendException(Loaded.PROBLEM);
        }
        cublasHandle handle = new cublasHandle();
        check(JCublas2.cublasCreate(handle), "cublasCreate");
        return new JCublasCalls(handle);
    }

    private static void check(int status, String call) {
        if (status != SUCCESS) {
            throw new BackendException(call + ": status " + status);
        }
    }

    private static Pointer pointer(CudaStorage s) {
        return s.block().pointer(0);
    }

    @Override
    public int version() {
        int[] version = new int[1];
        check(JCublas2.cublasGetVersion(handle, version), "cublasGetVersion");
        return version[0];
    }

    @Override
    public void setStream(Gpu gpu) {
        check(JCublas2.cublasSetStream(handle, new cudaStream_t(gpu.stream())), "cublasSetStream");
    }

    @Override
    public void setWorkspace(CudaStorage workspace, long bytes) {
        check(JCublas2.cublasSetWorkspace(handle, pointer(workspace), bytes), "cublasSetWorkspace");
    }

    @Override
    public void setDefaultMath() {
        check(JCublas2.cublasSetMathMode(handle, DEFAULT_MATH), "cublasSetMathMode");
    }

    /** By the function called {@code new}: the other one takes data types for compute types, as CUDA 10 did. */
    // @formatter:off
    @Override
    public void multiply(Product p) {
        check(JCublas2.cublasGemmStridedBatchedEx_new(
                handle, p.opA(), p.opB(), p.m(), p.n(), p.k(),
                one,
                pointer(p.a().elements()), R_32F, p.a().leading(), p.a().stride(),
                pointer(p.b().elements()), R_32F, p.b().leading(), p.b().stride(),
                p.accumulate() ? one : zero,
                pointer(p.c().elements()), R_32F, p.c().leading(), p.c().stride(),
                p.batch(), p.compute(), GEMM_DEFAULT), "cublasGemmStridedBatchedEx");
    }
    // @formatter:on

    @Override
    public void destroy() {
        check(JCublas2.cublasDestroy(handle), "cublasDestroy");
    }
}
