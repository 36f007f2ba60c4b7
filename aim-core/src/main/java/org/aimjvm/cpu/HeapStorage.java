package org.aimjvm.cpu;

import org.aimjvm.tensor.DType;
import org.aimjvm.tensor.Storage;

/** Elements in a Java array: {@code float[]} for F32, {@code int[]} for I32. */
final class HeapStorage extends Storage {
    private final float[] floats;
    private final int[] ints;
    private final boolean frozen;

    HeapStorage(float[] floats) {
        this(floats, false);
    }

    private HeapStorage(float[] floats, boolean frozen) {
        super(DType.F32, floats.length);
        this.floats = floats;
        this.ints = null;
        this.frozen = frozen;
    }

    /** Weights that are only read, see {@link #isFrozen}. */
    static HeapStorage frozen(float[] floats) {
        return new HeapStorage(floats, true);
    }

    HeapStorage(int[] ints) {
        super(DType.I32, ints.length);
        this.floats = null;
        this.ints = ints;
        this.frozen = false;
    }

    @Override
    public boolean isFrozen() {
        return frozen;
    }

    /** The array of an F32 storage. */
    static float[] floats(Storage s) {
        if (!(s instanceof HeapStorage h)) {
            throw new IllegalArgumentException(
                    "storage: weights in a layout of their own, expected plain F32 (only linear and embedding take them)");
        }
        h.checkLive();
        if (h.floats == null) {
            throw new IllegalArgumentException("storage: " + s.dtype() + ", expected F32");
        }
        return h.floats;
    }

    /** As {@link #floats}, {@code null} for {@code null}: optional arguments of kernels. */
    static float[] floatsOrNull(Storage s) {
        return s == null ? null : floats(s);
    }

    /** The array of an I32 storage. */
    static int[] ints(Storage s) {
        HeapStorage h = (HeapStorage) s;
        h.checkLive();
        if (h.ints == null) {
            throw new IllegalArgumentException("storage: " + s.dtype() + ", expected I32");
        }
        return h.ints;
    }

    HeapStorage sameMemory() {
        return floats != null ? new HeapStorage(floats) : new HeapStorage(ints);
    }
}
