package org.aimjvm.backend;

/** Softmax and what is built on it. */
public interface SoftmaxKernels {

    /** {@code y[r, c] = exp(alpha x[r, c]) / sum over c}, stable; {@code y} may be {@code x}. */
    void softmax(Storage y, Storage x, float alpha, int rows, int cols);

    /** {@code dx = alpha y (dy - <dy, y>)} per row; {@code dx} may be {@code dy}. */
    void softmaxBackward(Storage dx, Storage dy, Storage y, float alpha, int rows, int cols);

    /**
     * {@code loss[r] = log(sum over c of exp(logits[r, c])) - logits[r, target[r]]}.
     *
     * @param logSumExp output (rows), kept for the gradient
     * @param targets I32 (rows), each in [0, cols)
     */
    void crossEntropy(Storage loss, Storage logSumExp, Storage logits, Storage targets, int rows, int cols);

    /** {@code dLogits[r, c] = dLoss[r] (softmax(logits[r])[c] - [c == target[r]])}; {@code dLogits} may be {@code logits}. */
    void crossEntropyBackward(
            Storage dLogits, Storage dLoss, Storage logits, Storage logSumExp, Storage targets, int rows, int cols);

    /**
     * Adds positions to a cache of keys and values: rows {@code [length, length + added)} of each sequence are set, then
     * {@code length} grows by {@code added}. It is read when the kernel runs.
     *
     * @param keys (batch, capacity, width). Modified
     * @param values as keys. Modified
     * @param length I32, one element: rows in use. Modified
     * @param k (batch, added, width)
     * @param v as k
     * @throws IllegalArgumentException on backends that can tell, before any change, if the capacity is exceeded
     */
    void appendKeysAndValues(
            Storage keys, Storage values, Storage length, Storage k, Storage v, int batch, int added, int capacity,
            int width);

    /**
     * Causal grouped-query attention. Query i of a call stands at absolute position {@code keyLength - queryLength + i} and
     * sees keys {@code 0..} that position; query head h uses key/value head {@code h / (heads / kvHeads)}; scores are
     * scaled by {@code 1 / sqrt(headDim)}.
     *
     * @param out output (batch, queryLength, heads * headDim)
     * @param q (batch, queryLength, heads * headDim)
     * @param k (batch, keyCapacity, kvHeads * headDim), the first {@code keyLength} rows of each sequence in use
     * @param v as k
     * @param keyLength I32, one element, read when the kernel runs; {@code null}: keyCapacity
     */
    void causalAttention(
            Storage out,
            Storage q,
            Storage k,
            Storage v,
            Storage keyLength,
            int batch,
            int queryLength,
            int keyCapacity,
            int heads,
            int kvHeads,
            int headDim);

    /** Gradient of {@link #causalAttention} over a whole sequence ({@code queryLength = keyLength = keyCapacity}). */
    void causalAttentionBackward(
            Storage dq,
            Storage dk,
            Storage dv,
            Storage dOut,
            Storage q,
            Storage k,
            Storage v,
            int batch,
            int length,
            int heads,
            int kvHeads,
            int headDim);
}
