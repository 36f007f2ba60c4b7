package org.aimjvm.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.aimjvm.backend.BackendException;
import org.aimjvm.backend.DType;

/**
 * NVIDIA's library of matrix products, where it is installed: on the newest tensor cores it is faster than our tiles.
 * It is not part of the driver, so it may well be absent.
 *
 * <p>It takes matrices by columns. Ours by rows are its transposed ones, so {@code C = A B} is asked for as {@code C^T
 * = B^T A^T}.
 */
final class Cublas {
    /** System property: {@code auto} (the default) or {@code off}. */
    static final String PROPERTY = "aim.cuda.cublas";

    /**
     * A version of the library.
     *
     * @param file its name, which the system's loader looks for
     * @param binding for users: by what it is called
     * @param open makes a handle once it is loaded
     */
    record Version(String file, String binding, Function<SymbolLookup, CublasCalls> open) {}

    /** The first that is installed is used. */
    private static final List<Version> VERSIONS = List.of(
            new Version("libcublas.so.12", "JCublas", _ -> JCublasCalls.open()),
            new Version("libcublas.so.13", "own binding", ForeignCublasCalls::open));

    /**
     * What NVIDIA advises for its largest GPUs. A workspace of ours, because the library's own cannot be used in a
     * capture.
     */
    private static final int WORKSPACE_BYTES = 32 << 20;

    /** Products with a smaller size go to our tiles: there is little to gain. */
    private static final int MIN_SIZE = 128;

    /**
     * The library, or why it is not used.
     *
     * @param library {@code null} if it is not
     * @param text for users: name, version and binding, or the reason
     */
    record Choice(Cublas library, String text) {
        static Choice none(String reason) {
            return new Choice(null, "own products, " + reason);
        }
    }

    private final Gpu gpu;
    private final int compute;
    private final CublasCalls calls;
    private final CudaStorage workspace; // held as long as the library may use it

    private Cublas(Gpu gpu, int compute, CublasCalls calls, CudaStorage workspace) {
        this.gpu = gpu;
        this.compute = compute;
        this.calls = calls;
        this.workspace = workspace;
    }

    /**
     * Looks for the library and starts it, unless {@value #PROPERTY} says not to or the products are of a kind that it
     * does not have: exact ones whose bits do not depend on the batch, and those of operands in two parts.
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
            case TF32 -> choose(context, property, VERSIONS, CublasCalls.COMPUTE_32F_FAST_TF32);
            case BF16 -> choose(context, property, VERSIONS, CublasCalls.COMPUTE_32F_FAST_16BF);
        };
    }

    /** As {@link #choose(CudaContext)} with the first of these versions that is installed. */
    static Choice choose(CudaContext context, String property, List<Version> versions, int compute) {
        if (property.equals("off")) {
            return Choice.none(PROPERTY + " is off");
        }
        for (Version version : versions) {
            SymbolLookup symbols = find(version.file);
            if (symbols != null) {
                try {
                    return start(context, version, symbols, compute);
                } catch (BackendException e) {
                    return Choice.none("cuBLAS does not start: " + e.getMessage());
                }
            }
        }
        return Choice.none("no " + versions.stream().map(Version::file).collect(Collectors.joining(" or ")));
    }

    /**
     * The library of this name, {@code null} if there is none. Once loaded it is what JCublas' native part finds by the
     * name.
     */
    @SuppressWarnings("restricted") // loading a library is what this is for
    private static SymbolLookup find(String file) {
        try {
            return SymbolLookup.libraryLookup(file, Arena.global());
        } catch (IllegalArgumentException e) {
            return null; // not installed, which is no error
        }
    }

    private static Choice start(CudaContext context, Version version, SymbolLookup symbols, int compute) {
        Gpu gpu = context.gpu();
        synchronized (gpu) {
            gpu.enter();
            CublasCalls calls = version.open.apply(symbols);
            try {
                CudaStorage workspace = context.allocate(DType.F32, WORKSPACE_BYTES / DType.F32.bytes());
                calls.setStream(gpu);
                calls.setWorkspace(workspace, WORKSPACE_BYTES); // after the stream, whose setting takes it away
                calls.setDefaultMath();
                String text = "cuBLAS " + versionText(calls.version()) + " by " + version.binding;
                gpu.resources().addUser(() -> destroy(calls));
                return new Choice(new Cublas(gpu, compute, calls, workspace), text);
            } catch (RuntimeException e) {
                destroy(calls);
                throw e;
            }
        }
    }

    /** Where a failure cannot be told, or something worse already is. */
    private static void destroy(CublasCalls calls) {
        try {
            calls.destroy();
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
        CublasCalls.Product product = new CublasCalls.Product(
                transB ? CublasCalls.OP_T : CublasCalls.OP_N, transA ? CublasCalls.OP_T : CublasCalls.OP_N, n, m, k,
                new CublasCalls.Operand(b, transB ? k : n, (long) n * k),
                new CublasCalls.Operand(a, transA ? m : k, (long) m * k),
                new CublasCalls.Operand(c, n, (long) m * n), accumulate, batch, compute);
        synchronized (gpu) {
            gpu.enter();
            try {
                calls.multiply(product);
            } catch (BackendException e) {
                throw new BackendException(
                        e.getMessage() + " (batch " + batch + ", m " + m + ", n " + n + ", k " + k + ")");
            }
        }
    }
}
