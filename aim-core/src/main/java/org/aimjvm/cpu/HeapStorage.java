package org.aimjvm.cpu;

import org.aimjvm.tensor.DType;
import org.aimjvm.tensor.Storage;

/** Elements in a Java array: {@code float[]} for F32, {@code int[]} for I32. */
final class HeapStorage extends Storage {
    private final float[] floats;
    private final int[] ints;

    HeapStorage(float[] floats) {
        super(DType.F32, floats.length);
        this.floats = floats;
        this.ints = null;
    }

    HeapStorage(int[] ints) {
        super(DType.I32, ints.length);
        this.floats = null;
        this.ints = ints;
    }

    /** The array of an F32 storage. */
    static float[] floats(Storage s) {
        HeapStorage h = (HeapStorage) s;
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
