package org.aimjvm.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.List;
import org.aimjvm.backend.BackendException;
import org.aimjvm.backend.DType;

/**
 * NVIDIA's library of matrix products, where it is installed: on the newest tensor cores it is faster than our tiles. It is not part
 * of the driver, so it may well be absent.
 *
 * <p>It takes matrices by columns. Ours by rows are its transposed ones, so {@code C = A B} is asked for as {@code C^T = B^T A^T}.
 */
final class Cublas {
    /** System property: {@code auto} (the default) or {@code off}. */
    static final String PROPERTY = "aim.cuda.cublas";

    /** Of CUDA 12 and 13. */
    private static final List<String> LIBRARIES = List.of("libcublas.so.12", "libcublas.so.13");

    /** What NVIDIA advises for its largest GPUs. A workspace of ours, because the library's own cannot be used in a capture. */
    private static final int WORKSPACE_BYTES = 32 << 20;

    /** Products with a smaller size go to our tiles: there is little to gain. */
    private static final int MIN_SIZE = 128;

    // Of cublas_api.h and library_types.h.
    private static final int SUCCESS = 0;
    private static final int OP_N = 0;
    private static final int OP_T = 1;
    private static final int R_32F = 0;
    private static final int DEFAULT_MATH = 0;
    private static final int COMPUTE_32F_FAST_16BF = 75;
    private static final int COMPUTE_32F_FAST_TF32 = 77;
    private static final int GEMM_DEFAULT = -1;

    /**
     * The library, or why it is not used.
     *
     * @param library {@code null} if it is not
     * @param text for users: name and version, or the reason
     */
    record Choice(Cublas library, String text) {
        static Choice none(String reason) {
            return new Choice(null, "own products, " + reason);
        }
    }

    private final Gpu gpu;
    private final int compute;
    private final MemorySegment handle;
    private final CudaStorage workspace; // held as long as the library may use it
    private final MethodHandle product;
    private final MemorySegment one;
    private final MemorySegment zero;

    private Cublas(Gpu gpu, int compute, MemorySegment handle, CudaStorage workspace, MethodHandle product) {
        this.gpu = gpu;
        this.compute = compute;
        this.handle = handle;
        this.workspace = workspace;
        this.product = product;
        this.one = Arena.global().allocateFrom(JAVA_FLOAT, 1f);
        this.zero = Arena.global().allocateFrom(JAVA_FLOAT, 0f);
    }

    /**
     * Looks for the library and starts it, unless {@value #PROPERTY} says not to or the products are of a kind that it does not have:
     * exact ones whose bits do not depend on the batch, and those of operands in two parts.
     *
     * @throws IllegalArgumentException if the property has another value
     */
    static Choice choose(CudaContext context) {
        String property = System.getProperty(PROPERTY, "auto");
        if (!property.equals("auto") && !property.equals("off")) {
            throw new IllegalArgumentException(PROPERTY + ": " + property + ", expected auto or off");
        }
        return switch (context.precision()) {
            case F32 -> Choice.none("whose bits do not depend on the batch");
            case BF16X3 -> Choice.none("cuBLAS has none of this precision");
            case TF32 -> choose(context, property, LIBRARIES, COMPUTE_32F_FAST_TF32);
            case BF16 -> choose(context, property, LIBRARIES, COMPUTE_32F_FAST_16BF);
        };
    }

    /** As {@link #choose(CudaContext)} with the first of these libraries that loads. */
    static Choice choose(CudaContext context, String property, List<String> libraries, int compute) {
        if (property.equals("off")) {
            return Choice.none(PROPERTY + " is off");
        }
        SymbolLookup symbols = find(libraries);
        if (symbols == null) {
            return Choice.none("no " + String.join(" or ", libraries));
        }
        try {
            return start(context, symbols, compute);
        } catch (BackendException e) {
            return Choice.none("cuBLAS does not start: " + e.getMessage());
        }
    }

    @SuppressWarnings("restricted") // loading a library is what this is for
    private static SymbolLookup find(List<String> libraries) {
        for (String library : libraries) {
            try {
                return SymbolLookup.libraryLookup(library, Arena.global());
            } catch (IllegalArgumentException e) {
                // not installed: the next one
            }
        }
        return null;
    }

    @SuppressWarnings("restricted") // the types are those of cublas_api.h
    private static MethodHandle function(SymbolLookup symbols, String name, MemoryLayout... parameters) {
        MemorySegment address = symbols.find(name)
                .orElseThrow(() -> new BackendException("the library has no " + name));
        return Linker.nativeLinker().downcallHandle(address, FunctionDescriptor.of(JAVA_INT, parameters));
    }

    private static void call(MethodHandle function, String name, Object... arguments) {
        int status;
        try {
            status = (int) function.invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new BackendException(name + ": " + e); // arguments of other types than declared
        }
        if (status != SUCCESS) {
            throw new BackendException(name + ": status " + status);
        }
    }

    private static Choice start(CudaContext context, SymbolLookup symbols, int compute) {
        MethodHandle create = function(symbols, "cublasCreate_v2", ADDRESS);
        MethodHandle destroy = function(symbols, "cublasDestroy_v2", ADDRESS);
        MethodHandle setStream = function(symbols, "cublasSetStream_v2", ADDRESS, ADDRESS);
        MethodHandle setMathMode = function(symbols, "cublasSetMathMode", ADDRESS, JAVA_INT);
        MethodHandle setWorkspace = function(symbols, "cublasSetWorkspace_v2", ADDRESS, ADDRESS, JAVA_LONG);
        MethodHandle getVersion = function(symbols, "cublasGetVersion_v2", ADDRESS, ADDRESS);
        MethodHandle product = function(symbols, "cublasGemmStridedBatchedEx",
                ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, // handle, transpositions, m, n, k
                ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, // alpha, A
                ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, // B
                ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, // beta, C
                JAVA_INT, JAVA_INT, JAVA_INT); // batch, compute type, algorithm
        Gpu gpu = context.gpu();
        synchronized (gpu) {
            gpu.enter();
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment out = arena.allocate(ADDRESS);
                call(create, "cublasCreate", out);
                MemorySegment handle = out.get(ADDRESS, 0);
                try {
                    MemorySegment version = arena.allocate(JAVA_INT);
                    call(getVersion, "cublasGetVersion", handle, version);
                    CudaStorage workspace = context.allocate(DType.F32, WORKSPACE_BYTES / DType.F32.bytes());
                    call(setStream, "cublasSetStream", handle, MemorySegment.ofAddress(gpu.streamAddress()));
                    // after the stream, whose setting takes the workspace away
                    call(setWorkspace, "cublasSetWorkspace", handle, MemorySegment.ofAddress(workspace.address()),
                            (long) WORKSPACE_BYTES);
                    call(setMathMode, "cublasSetMathMode", handle, DEFAULT_MATH);
                    gpu.resources().addUser(() -> destroy(destroy, handle));
                    return new Choice(
                            new Cublas(gpu, compute, handle, workspace, product),
                            "cuBLAS " + versionText(version.get(JAVA_INT, 0)));
                } catch (RuntimeException e) {
                    call(destroy, "cublasDestroy", handle);
                    throw e;
                }
            }
        }
    }

    /** Runs where nobody is there to hear of a failure, and others come after it. */
    private static void destroy(MethodHandle destroy, MemorySegment handle) {
        try {
            call(destroy, "cublasDestroy", handle);
        } catch (BackendException e) {
            // the process loses what the handle holds, no more
        }
    }

    private static String versionText(int version) {
        return version / 10000 + "." + version / 100 % 100;
    }

    /** Whether a product is large enough to be worth it. */
    static boolean isLarge(int m, int n, int k) {
        return Math.min(m, Math.min(n, k)) >= MIN_SIZE;
    }

    /** As {@link org.aimjvm.backend.GemmKernels#gemm}. */
    void gemm(
            CudaStorage c, CudaStorage a, CudaStorage b, int batch, int m, int n, int k, boolean transA, boolean transB,
            boolean accumulate) {
        workspace.address(); // fails if it has been given back
        int status;
        synchronized (gpu) {
            gpu.enter();
            try {
                status = (int) product.invokeExact(
                        handle, transB ? OP_T : OP_N, transA ? OP_T : OP_N, n, m, k,
                        one, MemorySegment.ofAddress(b.address()), R_32F, transB ? k : n, (long) n * k,
                        MemorySegment.ofAddress(a.address()), R_32F, transA ? m : k, (long) m * k,
                        accumulate ? one : zero, MemorySegment.ofAddress(c.address()), R_32F, n, (long) m * n,
                        batch, compute, GEMM_DEFAULT);
            } catch (Throwable e) {
                throw new BackendException("cublasGemmStridedBatchedEx: " + e);
            }
        }
        if (status != SUCCESS) {
            throw new BackendException(
                    "cublasGemmStridedBatchedEx: status " + status + " for " + Arrays.asList(batch, m, n, k));
        }
    }
}
