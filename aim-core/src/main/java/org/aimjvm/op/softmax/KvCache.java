package org.aimjvm.op.softmax;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.SoftmaxKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Tensor;

/**
 * Keys and values of the positions an attention layer has seen while decoding. Their number is kept on the device, so
 * that a captured step goes on from where the last one ended.
 */
public final class KvCache {
    private final Tensor keys;
    private final Tensor values;
    private final Tensor length; // I32 (1)

    /**
     * An empty cache.
     *
     * @param capacity most positions it can hold
     * @param kvWidth key/value heads times head dimension
     */
    public KvCache(Backend backend, int batch, int capacity, int kvWidth) {
        this.keys = Tensor.persistent(backend, Shape.of(batch, capacity, kvWidth));
        this.values = Tensor.persistent(backend, Shape.of(batch, capacity, kvWidth));
        this.length = Tensor.persistentInts(backend, Shape.of(1));
    }

    /** Number of positions held. */
    public int length() {
        return length.toInts()[0];
    }

    /** {@link #length()} as kernels read it, I32. */
    Storage lengthStorage() {
        return length.storage();
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
        length.write(new int[1]);
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
        keys.backend()
                .softmax()
                .appendKeysAndValues(
                        new SoftmaxKernels.KeyValues(
                                keys.storage(), values.storage(), length.storage(), batch, capacity, width),
                        k.storage(), v.storage(), added);
    }
}
