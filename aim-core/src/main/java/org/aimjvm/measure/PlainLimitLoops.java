package org.aimjvm.measure;

/**
 * The loops of {@code org.aimjvm.cpu.simd.LimitLoops} without the Vector API: what the compiler makes of plain Java.
 */
final class PlainLimitLoops {
    private static final int CHAINS = 8;

    private PlainLimitLoops() {}

    static double flops(int rounds) {
        return 2.0 * CHAINS * rounds;
    }

    static float multiplyAdd(int rounds, float seed) {
        float a = 0.999f;
        float c0 = seed;
        float c1 = seed + 1;
        float c2 = seed + 2;
        float c3 = seed + 3;
        float c4 = seed + 4;
        float c5 = seed + 5;
        float c6 = seed + 6;
        float c7 = seed + 7;
        for (int i = 0; i < rounds; i++) {
            c0 = Math.fma(c0, a, seed);
            c1 = Math.fma(c1, a, seed);
            c2 = Math.fma(c2, a, seed);
            c3 = Math.fma(c3, a, seed);
            c4 = Math.fma(c4, a, seed);
            c5 = Math.fma(c5, a, seed);
            c6 = Math.fma(c6, a, seed);
            c7 = Math.fma(c7, a, seed);
        }
        return c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7;
    }

    /** Adds the bits as integers, which the compiler may reorder into vectors, as it may not with floats. */
    static float read(float[] a, int from, int to) {
        int s = 0;
        for (int i = from; i < to; i++) {
            s += Float.floatToRawIntBits(a[i]);
        }
        return s;
    }

    static void update(float[] a, int from, int to) {
        for (int i = from; i < to; i++) {
            a[i] = a[i] * 0.5f + 1f;
        }
    }
}
