package org.aimjvm.cpu.memory;

import java.util.Arrays;

/** Working memory of a kernel family that grows to the largest demand and is kept, one array per thread. */
public final class Scratch {
    private final ThreadLocal<float[]> memory = ThreadLocal.withInitial(() -> new float[0]);

    /** At least {@code n} floats with undefined contents, the same array at every call of this thread. */
    public float[] floats(int n) {
        float[] m = memory.get();
        if (m.length < n) {
            m = new float[n + n / 4];
            memory.set(m);
        }
        return m;
    }

    /** As {@link #floats}, the first {@code n} being 0. */
    public float[] zeros(int n) {
        float[] m = floats(n);
        Arrays.fill(m, 0, n, 0f);
        return m;
    }
}
