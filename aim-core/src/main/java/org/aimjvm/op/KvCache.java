package org.aimjvm.op;

import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.Shape;
import org.aimjvm.tensor.Tensor;

/** Keys and values of the positions an attention layer has seen while decoding. */
public final class KvCache {
    private final Tensor keys;
    private final Tensor values;
    private int length;

    /**
     * An empty cache.
     *
     * @param capacity most positions it can hold
     * @param kvWidth key/value heads times head dimension
     */
    public KvCache(Backend backend, int batch, int capacity, int kvWidth) {
        this.keys = Tensor.persistent(backend, Shape.of(batch, capacity, kvWidth));
        this.values = Tensor.persistent(backend, Shape.of(batch, capacity, kvWidth));
    }

    /** Number of positions held. */
    public int length() {
        return length;
    }

    /** Keys (batch, capacity, kvWidth), the first {@link #length()} rows of each sequence in use. */
    public Tensor keys() {
        return keys;
    }

    /** Values, as {@link #keys()}. */
    public Tensor values() {
        return values;
    }

    /** Forgets all positions. */
    public void clear() {
        length = 0;
    }

    /**
     * Adds positions.
     *
     * @param k (batch, L, kvWidth)
     * @param v as k
     * @throws IllegalArgumentException if the shapes do not fit or the capacity is exceeded
     */
    void append(Tensor k, Tensor v) {
        int batch = keys.dim(0);
        int capacity = keys.dim(1);
        int width = keys.dim(2);
        int added = k.dim(1);
        Shapes.expect("causalAttention", "k", k, batch, added, width);
        Shapes.expect("causalAttention", "v", v, batch, added, width);
        Shapes.check(
                length + added <= capacity,
                "causalAttention",
                length + " cached and " + added + " new positions, expected at most the capacity, " + capacity);
        for (int b = 0; b < batch; b++) {
            int at = (b * capacity + length) * width;
            keys.backend().copy(keys.storage(), at, k.storage(), b * added * width, added * width);
            keys.backend().copy(values.storage(), at, v.storage(), b * added * width, added * width);
        }
        length += added;
    }
}
