package org.aimjvm.cpu.gemm;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorSums;

/**
 * Inner loop of {@link RowWeights}: for a row of W and two rows of x, the {@link org.aimjvm.cpu.simd.ScalarTwins#SUMS}
 * interleaved sums of products.
 *
 * <p>A version for each width, so that only the one of {@link Simd#F} occurs in a process, see {@link VectorSums}.
 */
final class RowDots {
    private static final VectorSpecies<Float> F16 = FloatVector.SPECIES_512;
    private static final VectorSpecies<Float> F8 = FloatVector.SPECIES_256;
    private static final VectorSpecies<Float> F4 = FloatVector.SPECIES_128;
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private RowDots() {}

    /** The sums of row {@code x0} and, after them, of row {@code x1}. */
    static void one(MemorySegment w, long at, float[] x, int x0, int x1, int n, float[] sums) {
        switch (Simd.LANES) {
            case 16 -> one16(w, at, x, x0, x1, n, sums);
            case 8 -> one8(w, at, x, x0, x1, n, sums);
            default -> one4(w, at, x, x0, x1, n, sums);
        }
    }

    private static void one16(MemorySegment w, long at, float[] x, int x0, int x1, int n, float[] sums) {
        FloatVector a = FloatVector.zero(F16);
        FloatVector b = a;
        for (int k = 0; k < n; k += 16) {
            FloatVector v = FloatVector.fromMemorySegment(F16, w, at + 4L * k, ORDER);
            a = v.fma(FloatVector.fromArray(F16, x, x0 + k), a);
            b = v.fma(FloatVector.fromArray(F16, x, x1 + k), b);
        }
        a.intoArray(sums, 0);
        b.intoArray(sums, 16);
    }

    private static void one8(MemorySegment w, long at, float[] x, int x0, int x1, int n, float[] sums) {
        FloatVector a0 = FloatVector.zero(F8);
        FloatVector a1 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        for (int k = 0; k < n; k += 16) {
            FloatVector w0 = FloatVector.fromMemorySegment(F8, w, at + 4L * k, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(F8, w, at + 4L * k + 32, ORDER);
            a0 = w0.fma(FloatVector.fromArray(F8, x, x0 + k), a0);
            b0 = w0.fma(FloatVector.fromArray(F8, x, x1 + k), b0);
            a1 = w1.fma(FloatVector.fromArray(F8, x, x0 + k + 8), a1);
            b1 = w1.fma(FloatVector.fromArray(F8, x, x1 + k + 8), b1);
        }
        a0.intoArray(sums, 0);
        a1.intoArray(sums, 8);
        b0.intoArray(sums, 16);
        b1.intoArray(sums, 24);
    }

    private static void one4(MemorySegment w, long at, float[] x, int x0, int x1, int n, float[] sums) {
        FloatVector a0 = FloatVector.zero(F4);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        for (int k = 0; k < n; k += 16) {
            FloatVector v = FloatVector.fromMemorySegment(F4, w, at + 4L * k, ORDER);
            a0 = v.fma(FloatVector.fromArray(F4, x, x0 + k), a0);
            b0 = v.fma(FloatVector.fromArray(F4, x, x1 + k), b0);
            v = FloatVector.fromMemorySegment(F4, w, at + 4L * k + 16, ORDER);
            a1 = v.fma(FloatVector.fromArray(F4, x, x0 + k + 4), a1);
            b1 = v.fma(FloatVector.fromArray(F4, x, x1 + k + 4), b1);
            v = FloatVector.fromMemorySegment(F4, w, at + 4L * k + 32, ORDER);
            a2 = v.fma(FloatVector.fromArray(F4, x, x0 + k + 8), a2);
            b2 = v.fma(FloatVector.fromArray(F4, x, x1 + k + 8), b2);
            v = FloatVector.fromMemorySegment(F4, w, at + 4L * k + 48, ORDER);
            a3 = v.fma(FloatVector.fromArray(F4, x, x0 + k + 12), a3);
            b3 = v.fma(FloatVector.fromArray(F4, x, x1 + k + 12), b3);
        }
        a0.intoArray(sums, 0);
        a1.intoArray(sums, 4);
        a2.intoArray(sums, 8);
        a3.intoArray(sums, 12);
        b0.intoArray(sums, 16);
        b1.intoArray(sums, 20);
        b2.intoArray(sums, 24);
        b3.intoArray(sums, 28);
    }
}
