package org.aimjvm.backend;

/** Kernels that read or write by integer index. */
public interface IndexKernels {

    /** {@code y[r] = table[ids[r]]}; table is (vocab, dim), plain or from {@link
     * Backend#weights}, ids I32 (rows), each in [0, vocab). */
    void embedding(Storage y, Storage table, Storage ids, int rows, int vocab, int dim);

    /** {@code dTable[v] = sum over r with ids[r] == v of dy[r]}, in the order of r; zero elsewhere. */
    void embeddingBackward(Storage dTable, Storage dy, Storage ids, int rows, int vocab, int dim);

    /**
     * {@code codes[r] = argmin over n of |z[r] - codebook[n]|^2}, the lowest n on a tie.
     *
     * @param codes output, I32 (rows)
     * @param z (rows, dim)
     * @param codebook (entries, dim)
     */
    void nearestCode(Storage codes, Storage z, Storage codebook, int rows, int entries, int dim);

    /** {@code y[b, j, i] = x[b, i, j]}: x is batch x (rows, cols). Turns NCHW into NHWC and back. */
    void transpose(Storage y, Storage x, int batch, int rows, int cols);
}
