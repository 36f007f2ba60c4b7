package org.aimjvm.backend;

/** Matrix products. */
public interface GemmKernels {

    /**
     * For each of {@code batch} independent products: {@code C = op(A) op(B)}, or {@code C += op(A) op(B)} with
     * {@code accumulate}. {@code op(A)} is (m, k): A is stored (m, k), or (k, m) with {@code transA}. {@code op(B)} is
     * (k, n): B is stored (k, n), or (n, k) with {@code transB}. Matrices of a batch follow each other without gaps.
     *
     * <p>A row of C is computed in the same order of additions whatever {@code m} and {@code batch} are, so that a
     * picture does not depend on the batch it was made in. All sums are in F32.
     *
     * @param c output, batch x (m, n); Modified if {@code accumulate}
     */
    void gemm(
            Storage c, Storage a, Storage b, int batch, int m, int n, int k, boolean transA, boolean transB,
            boolean accumulate);

    /**
     * A linear layer without bias, {@code y = x W^T}. A row of y has the same bits whatever {@code rows} is.
     *
     * @param y output (rows, out)
     * @param x (rows, in)
     * @param w (out, in): plain F32, or from {@link Backend#weights}
     */
    void linear(Storage y, Storage x, Storage w, int rows, int out, int in);
}
