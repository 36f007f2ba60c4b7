package org.aimjvm.backend;

/** Matrix products. */
public interface GemmKernels {

    /**
     * For each product of a batch {@code C = op(A) op(B)}, or {@code C += op(A) op(B)} with {@code accumulate}.
     *
     * <p>A row of C is computed in the same order of additions whatever {@code m} and {@code batch} are, so that a
     * picture does not depend on the batch it was made in. All sums are in F32.
     *
     * @param c output, batch x (m, n); Modified if {@code accumulate}
     * @param a batch x (m, k), or (k, m) as {@code s} says
     * @param b batch x (k, n), or (n, k)
     */
    void gemm(Storage c, Storage a, Storage b, GemmShape s, boolean accumulate);

    /**
     * A linear layer without bias, {@code y = x W^T}. A row of y has the same bits whatever {@code rows} is.
     *
     * @param y output (rows, out)
     * @param x (rows, in)
     * @param w (out, in): plain F32, or from {@link Backend#weights}
     */
    void linear(Storage y, Storage x, Storage w, int rows, int out, int in);
}
