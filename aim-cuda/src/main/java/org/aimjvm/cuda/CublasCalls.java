package org.aimjvm.cuda;

/**
 * The functions of cuBLAS that products need, on one handle. Calls are made under the lock of the GPU, with its context
 * current; each fails with a {@link org.aimjvm.backend.BackendException} that names the function and its status.
 *
 * <p>Does not refer to the {@link Gpu}, which lets go of the handle when it is no longer reachable.
 */
interface CublasCalls {
    /** Status of a call that has succeeded. */
    int SUCCESS = 0;

    /** As {@code cublasOperation_t}: whether an operand is transposed. */
    int OP_N = 0;
    int OP_T = 1;

    /** As {@code cudaDataType_t}: f32 numbers. */
    int R_32F = 0;

    /** As {@code cublasMath_t}: no kind of product but the one that is asked for. */
    int DEFAULT_MATH = 0;

    /** As {@code cublasComputeType_t}: f32 operands rounded to bf16 or tf32, sums in f32. */
    int COMPUTE_32F_FAST_16BF = 75;
    int COMPUTE_32F_FAST_TF32 = 77;

    /** As {@code cublasGemmAlgo_t}: the library chooses. */
    int GEMM_DEFAULT = -1;

    /**
     * A matrix by columns, or several at equal distances.
     *
     * @param leading elements from a column to the next
     * @param stride elements from a matrix to the next
     */
    record Operand(CudaStorage elements, int leading, long stride) {}

    /**
     * C (m, n) = op(A) (m, k) op(B) (k, n), or C plus that, for each of {@code batch} matrices by columns.
     *
     * @param opA {@link #OP_N} or {@link #OP_T}, as {@code opB}
     * @param compute {@link #COMPUTE_32F_FAST_16BF} or {@link #COMPUTE_32F_FAST_TF32}
     */
    record Product(
            int opA, int opB, int m, int n, int k, Operand a, Operand b, Operand c, boolean accumulate, int batch,
            int compute) {}

    /** As {@code cublasGetVersion}: 10000 times the major, 100 times the minor version. */
    int version();

    /** What follows is submitted to the stream of this GPU. Takes the workspace away. */
    void setStream(Gpu gpu);

    /** The library uses the first {@code bytes} of this memory, which the caller keeps for as long as the handle. */
    void setWorkspace(CudaStorage workspace, long bytes);

    void setDefaultMath();

    /** As {@code cublasGemmStridedBatchedEx} with f32 numbers. */
    void multiply(Product p);

    void destroy();
}
