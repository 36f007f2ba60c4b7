package org.aimjvm.backend;

/**
 * Sizes of {@code batch} independent matrix products {@code C = op(A) op(B)} of {@link GemmKernels#gemm}. Matrices of
 * a batch follow each other without gaps.
 *
 * @param m rows of C and op(A)
 * @param n columns of C and op(B)
 * @param k columns of op(A) and rows of op(B)
 * @param transA A is stored (k, m) in place of (m, k)
 * @param transB B is stored (n, k) in place of (k, n)
 */
public record GemmShape(int batch, int m, int n, int k, boolean transA, boolean transB) {

    /** @throws IllegalArgumentException if a size is negative */
    public GemmShape {
        if (batch < 0 || m < 0 || n < 0 || k < 0) {
            throw new IllegalArgumentException(
                    "gemm: " + batch + " x (" + m + ", " + n + ", " + k + ") (expected no negative size)");
        }
    }

    /** One product {@code A B}. */
    public static GemmShape of(int m, int n, int k) {
        return new GemmShape(1, m, n, k, false, false);
    }

    /** One product {@code A^T B}: A is stored (k, m). */
    public static GemmShape transposedA(int m, int n, int k) {
        return new GemmShape(1, m, n, k, true, false);
    }

    /** One product {@code A B^T}: B is stored (n, k). */
    public static GemmShape transposedB(int m, int n, int k) {
        return new GemmShape(1, m, n, k, false, true);
    }
}
