package org.aimjvm.bench;

import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Storage;

/** Filled memory for benchmarks. */
final class Buffers {
    private Buffers() {}

    /** {@code size} floats in [-2, 2). */
    static Storage random(Backend backend, int size) {
        SplittableRandom random = new SplittableRandom(size);
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextDouble(-2, 2);
        }
        Storage s = backend.allocate(DType.F32, size);
        backend.write(s, 0, values, 0, size);
        return s;
    }

    /** {@code size} ids in [0, bound). */
    static Storage ids(Backend backend, int size, int bound) {
        SplittableRandom random = new SplittableRandom(size);
        int[] values = new int[size];
        for (int i = 0; i < size; i++) {
            values[i] = random.nextInt(bound);
        }
        Storage s = backend.allocate(DType.I32, size);
        backend.write(s, 0, values, 0, size);
        return s;
    }
}
