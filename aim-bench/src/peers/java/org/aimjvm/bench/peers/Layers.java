package org.aimjvm.bench.peers;

/**
 * The layers a VQ decoder is made of, in another library. Weights are known by the name they have in the checkpoint.
 *
 * @param <T> a tensor (1, channels, side, side)
 */
interface Layers<T> {
    /** A convolution with stride 1 that keeps the side. */
    T conv(T x, String name);

    /** GroupNorm over 32 groups. */
    T norm(T x, String name);

    T silu(T x);

    T add(T x, T y);

    /** Every pixel becomes two by two. */
    T upsample(T x);

    /** {@code v softmax(q^T k / sqrt(C))^T} over all positions. */
    T attend(T q, T k, T v);
}
