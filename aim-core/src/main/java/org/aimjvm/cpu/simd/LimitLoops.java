package org.aimjvm.cpu.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loops that do one thing as fast as this machine can, at the vector width of the kernels: what {@code
 * org.aimjvm.measure.MachineLimits} times, and benchmarks show shares of. Needs the Vector API.
 */
public final class LimitLoops {
    private static final VectorSpecies<Float> F = Simd.F;
    /** Independent multiply-adds under way: enough to hide their latency on two units, few enough for 16 registers. */
    private static final int CHAINS = 10;
    private static final int UNROLL = 8;

    private LimitLoops() {}

    /** Bits of a vector. */
    public static int vectorBits() {
        return F.vectorBitSize();
    }

    /** Floating-point operations of {@code rounds} rounds of {@link #multiplyAdd}, a multiply-add counting as two. */
    public static double flops(int rounds) {
        return 2.0 * CHAINS * F.length() * rounds;
    }

    /** Fused multiply-adds in registers alone. Returns a number that depends on all of them. */
    public static float multiplyAdd(int rounds, float seed) {
        FloatVector a = FloatVector.broadcast(F, 0.999f);
        FloatVector b = FloatVector.broadcast(F, seed);
        FloatVector c0 = b;
        FloatVector c1 = b.add(1f);
        FloatVector c2 = b.add(2f);
        FloatVector c3 = b.add(3f);
        FloatVector c4 = b.add(4f);
        FloatVector c5 = b.add(5f);
        FloatVector c6 = b.add(6f);
        FloatVector c7 = b.add(7f);
        FloatVector c8 = b.add(8f);
        FloatVector c9 = b.add(9f);
        for (int i = 0; i < rounds; i++) {
            c0 = c0.fma(a, b);
            c1 = c1.fma(a, b);
            c2 = c2.fma(a, b);
            c3 = c3.fma(a, b);
            c4 = c4.fma(a, b);
            c5 = c5.fma(a, b);
            c6 = c6.fma(a, b);
            c7 = c7.fma(a, b);
            c8 = c8.fma(a, b);
            c9 = c9.fma(a, b);
        }
        return Lanes.sum(c0.add(c1).add(c2).add(c3).add(c4).add(c5).add(c6).add(c7).add(c8).add(c9));
    }

    /**
     * Reads {@code a[from, to)} in order. Returns a number that depends on every element.
     *
     * @param a not modified
     * @param to {@code from} plus a multiple of 128
     */
    public static float read(float[] a, int from, int to) {
        int n = F.length();
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        for (int i = from; i < to; i += UNROLL * n) {
            s0 = s0.add(FloatVector.fromArray(F, a, i));
            s1 = s1.add(FloatVector.fromArray(F, a, i + n));
            s2 = s2.add(FloatVector.fromArray(F, a, i + 2 * n));
            s3 = s3.add(FloatVector.fromArray(F, a, i + 3 * n));
            s0 = s0.add(FloatVector.fromArray(F, a, i + 4 * n));
            s1 = s1.add(FloatVector.fromArray(F, a, i + 5 * n));
            s2 = s2.add(FloatVector.fromArray(F, a, i + 6 * n));
            s3 = s3.add(FloatVector.fromArray(F, a, i + 7 * n));
        }
        return Lanes.sum(s0.add(s1).add(s2).add(s3));
    }

    /**
     * Reads and writes {@code a[from, to)} in order: {@code a = a * 0.5 + 1}.
     *
     * @param a modified
     * @param to {@code from} plus a multiple of 128
     */
    public static void update(float[] a, int from, int to) {
        int n = F.length();
        FloatVector half = FloatVector.broadcast(F, 0.5f);
        FloatVector one = FloatVector.broadcast(F, 1f);
        for (int i = from; i < to; i += 4 * n) {
            FloatVector.fromArray(F, a, i).fma(half, one).intoArray(a, i);
            FloatVector.fromArray(F, a, i + n).fma(half, one).intoArray(a, i + n);
            FloatVector.fromArray(F, a, i + 2 * n).fma(half, one).intoArray(a, i + 2 * n);
            FloatVector.fromArray(F, a, i + 3 * n).fma(half, one).intoArray(a, i + 3 * n);
        }
    }
}
