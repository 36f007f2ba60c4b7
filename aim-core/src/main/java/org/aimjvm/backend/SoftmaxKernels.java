package org.aimjvm.backend;

/** Softmax and what is built on it. */
public interface SoftmaxKernels {

    /**
     * Sizes of a {@link #causalAttention}.
     *
     * @param queryLength positions of q, the last of the sequence
     * @param keyCapacity rows of k and v per sequence, not all of which need be in use
     * @param kvHeads a divisor of {@code heads}
     */
    record AttentionShape(int batch, int queryLength, int keyCapacity, int heads, int kvHeads, int headDim) {
        /** @throws IllegalArgumentException if {@code kvHeads} is no divisor of {@code heads} */
        public AttentionShape {
            if (kvHeads < 1 || heads % kvHeads != 0) {
                throw new IllegalArgumentException(
                        "kvHeads: " + kvHeads + " (expected a divisor of heads, " + heads + ")");
            }
        }

        /** Sequences without a cache: as many keys as queries. */
        public static AttentionShape whole(int batch, int length, int heads, int kvHeads, int headDim) {
            return new AttentionShape(batch, length, length, heads, kvHeads, headDim);
        }
    }

    /**
     * Where the gradients of {@link #causalAttention} go.
     *
     * @param dq output, as q
     * @param dk output, as k
     * @param dv output, as v
     */
    record AttentionGradients(Storage dq, Storage dk, Storage dv) {}

    /**
     * A cache of keys and values.
     *
     * @param keys (batch, capacity, width)
     * @param values as keys
     * @param length I32, one element: rows in use of each sequence
     * @param width key/value heads times head dimension
     */
    record KeyValues(Storage keys, Storage values, Storage length, int batch, int capacity, int width) {}

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

    /**
     * {@code dLogits[r, c] = dLoss[r] (softmax(logits[r])[c] - [c == target[r]])}; {@code dLogits} may be {@code
     * logits}.
     */
    void crossEntropyBackward(
            Storage dLogits, Storage dLoss, Storage logits, Storage logSumExp, Storage targets, int rows, int cols);

    /**
     * Adds positions to a cache of keys and values: rows {@code [length, length + added)} of each sequence are set,
     * then {@code length} grows by {@code added}. It is read when the kernel runs.
     *
     * @param cache Modified
     * @param k (batch, added, width)
     * @param v as k
     * @throws IllegalArgumentException on backends that can tell, before any change, if the capacity is exceeded
     */
    void appendKeysAndValues(KeyValues cache, Storage k, Storage v, int added);

    /**
     * Causal grouped-query attention. Query i of a call stands at absolute position {@code keyLength - queryLength + i}
     * and sees keys {@code 0..} that position; query head h uses key/value head {@code h / (heads / kvHeads)}; scores
     * are scaled by {@code 1 / sqrt(headDim)}.
     *
     * @param out output (batch, queryLength, heads * headDim)
     * @param q (batch, queryLength, heads * headDim)
     * @param k (batch, keyCapacity, kvHeads * headDim), the first {@code keyLength} rows of each sequence in use
     * @param v as k
     * @param keyLength I32, one element, read when the kernel runs; {@code null}: keyCapacity
     */
    void causalAttention(Storage out, Storage q, Storage k, Storage v, Storage keyLength, AttentionShape s);

    /** Gradient of {@link #causalAttention} over a whole sequence ({@code queryLength = keyLength = keyCapacity}). */
    void causalAttentionBackward(
            AttentionGradients d, Storage dOut, Storage q, Storage k, Storage v, AttentionShape s);
}
