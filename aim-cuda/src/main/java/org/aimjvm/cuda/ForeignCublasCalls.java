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
import org.aimjvm.backend.BackendException;

/**
 * cuBLAS of CUDA 13, which JCublas cannot use, by a binding of our own: the few functions that we call, of {@code
 * cublas_api.h}.
 */
final class ForeignCublasCalls implements CublasCalls {
    private final MethodHandle destroy;
    private final MethodHandle setStream;
    private final MethodHandle setMathMode;
    private final MethodHandle setWorkspace;
    private final MethodHandle getVersion;
    private final MethodHandle product;
    private final MemorySegment handle;
    private final MemorySegment one = Arena.ofAuto().allocateFrom(JAVA_FLOAT, 1f);
    private final MemorySegment zero = Arena.ofAuto().allocateFrom(JAVA_FLOAT, 0f);

    private ForeignCublasCalls(SymbolLookup symbols) {
        MethodHandle create = function(symbols, "cublasCreate_v2", ADDRESS);
        this.destroy = function(symbols, "cublasDestroy_v2", ADDRESS);
        this.setStream = function(symbols, "cublasSetStream_v2", ADDRESS, ADDRESS);
        this.setMathMode = function(symbols, "cublasSetMathMode", ADDRESS, JAVA_INT);
        this.setWorkspace = function(symbols, "cublasSetWorkspace_v2", ADDRESS, ADDRESS, JAVA_LONG);
        this.getVersion = function(symbols, "cublasGetVersion_v2", ADDRESS, ADDRESS);
        this.product = function(symbols, "cublasGemmStridedBatchedEx",
                ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, // handle, transpositions, m, n, k
                ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, // alpha, A
                ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, // B
                ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, // beta, C
                JAVA_INT, JAVA_INT, JAVA_INT); // batch, compute type, algorithm
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            call(create, "cublasCreate", out);
            this.handle = out.get(ADDRESS, 0);
        }
    }

    /**
     * A new handle of a library.
     *
     * @throws BackendException if it lacks a function or does not start
     */
    static ForeignCublasCalls open(SymbolLookup symbols) {
        return new ForeignCublasCalls(symbols);
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

    private static MemorySegment pointer(CudaStorage s) {
        return MemorySegment.ofAddress(s.address());
    }

    @Override
    public int version() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment version = arena.allocate(JAVA_INT);
            call(getVersion, "cublasGetVersion", handle, version);
            return version.get(JAVA_INT, 0);
        }
    }

    @Override
    public void setStream(Gpu gpu) {
        call(setStream, "cublasSetStream", handle, MemorySegment.ofAddress(gpu.streamAddress()));
    }

    @Override
    public void setWorkspace(CudaStorage workspace, long bytes) {
        call(setWorkspace, "cublasSetWorkspace", handle, pointer(workspace), bytes);
    }

    @Override
    public void setDefaultMath() {
        call(setMathMode, "cublasSetMathMode", handle, DEFAULT_MATH);
    }

    // @formatter:off
    @Override
    public void multiply(Product p) {
        MemorySegment beta = p.accumulate() ? one : zero; // in the call it would be an Object
        int status;
        try {
            status = (int) product.invokeExact(
                    handle, p.opA(), p.opB(), p.m(), p.n(), p.k(),
                    one,
                    pointer(p.a().elements()), R_32F, p.a().leading(), p.a().stride(),
                    pointer(p.b().elements()), R_32F, p.b().leading(), p.b().stride(),
                    beta,
                    pointer(p.c().elements()), R_32F, p.c().leading(), p.c().stride(),
                    p.batch(), p.compute(), GEMM_DEFAULT);
        } catch (RuntimeException | Error e) { // a storage that was given back
            throw e;
        } catch (Throwable e) {
            throw new BackendException("cublasGemmStridedBatchedEx: " + e);
        }
        if (status != SUCCESS) {
            throw new BackendException("cublasGemmStridedBatchedEx: status " + status);
        }
    }
    // @formatter:on

    @Override
    public void destroy() {
        call(destroy, "cublasDestroy", handle);
    }
}
