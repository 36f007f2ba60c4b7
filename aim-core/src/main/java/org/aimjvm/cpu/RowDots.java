package org.aimjvm.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Inner loops of {@link RowWeights}: for one or two rows of W and two rows of x, the {@link RowWeights#SUMS} interleaved sums
 * of products. Sums of (row of W, row of x) = (0, 0), (0, 1), (1, 0), (1, 1) follow each other.
 *
 * <p>A version for each width, so that only the one of {@link Simd#F} occurs in a process, see {@link VectorSums}.
 */
final class RowDots {
    private static final VectorSpecies<Float> F16 = FloatVector.SPECIES_512;
    private static final VectorSpecies<Float> F8 = FloatVector.SPECIES_256;
    private static final VectorSpecies<Float> F4 = FloatVector.SPECIES_128;
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private RowDots() {}

    /** One row of W; the sums are those of (0, 0) and (0, 1). */
    static void one(MemorySegment w, long at, float[] x, int x0, int x1, int n, float[] sums) {
        switch (Simd.LANES) {
            case 16 -> one16(w, at, x, x0, x1, n, sums);
            case 8 -> one8(w, at, x, x0, x1, n, sums);
            default -> one4(w, at, x, x0, x1, n, sums);
        }
    }

    /** Two rows of W. */
    static void two(MemorySegment w, long at0, long at1, float[] x, int x0, int x1, int n, float[] sums) {
        if (Simd.LANES == 16) {
            two16(w, at0, at1, x, x0, x1, n, sums);
        } else {
            two8(w, at0, at1, x, x0, x1, n, sums);
        }
    }

    /** Whether {@link #two} is there for this width: four lanes have too few registers for it. */
    static boolean hasTwo() {
        return Simd.LANES >= 8;
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

    private static void two16(
            MemorySegment w, long at0, long at1, float[] x, int x0, int x1, int n, float[] sums) {
        FloatVector a = FloatVector.zero(F16);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        for (int k = 0; k < n; k += 16) {
            FloatVector v = FloatVector.fromMemorySegment(F16, w, at0 + 4L * k, ORDER);
            FloatVector u = FloatVector.fromMemorySegment(F16, w, at1 + 4L * k, ORDER);
            FloatVector xa = FloatVector.fromArray(F16, x, x0 + k);
            FloatVector xb = FloatVector.fromArray(F16, x, x1 + k);
            a = v.fma(xa, a);
            b = v.fma(xb, b);
            c = u.fma(xa, c);
            d = u.fma(xb, d);
        }
        a.intoArray(sums, 0);
        b.intoArray(sums, 16);
        c.intoArray(sums, 32);
        d.intoArray(sums, 48);
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

    private static void two8(MemorySegment w, long at0, long at1, float[] x, int x0, int x1, int n, float[] sums) {
        FloatVector a0 = FloatVector.zero(F8);
        FloatVector a1 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector c0 = a0;
        FloatVector c1 = a0;
        FloatVector d0 = a0;
        FloatVector d1 = a0;
        for (int k = 0; k < n; k += 16) {
            FloatVector v0 = FloatVector.fromMemorySegment(F8, w, at0 + 4L * k, ORDER);
            FloatVector w0 = FloatVector.fromMemorySegment(F8, w, at1 + 4L * k, ORDER);
            FloatVector xa = FloatVector.fromArray(F8, x, x0 + k);
            FloatVector xb = FloatVector.fromArray(F8, x, x1 + k);
            a0 = v0.fma(xa, a0);
            b0 = v0.fma(xb, b0);
            c0 = w0.fma(xa, c0);
            d0 = w0.fma(xb, d0);
            FloatVector v1 = FloatVector.fromMemorySegment(F8, w, at0 + 4L * k + 32, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(F8, w, at1 + 4L * k + 32, ORDER);
            xa = FloatVector.fromArray(F8, x, x0 + k + 8);
            xb = FloatVector.fromArray(F8, x, x1 + k + 8);
            a1 = v1.fma(xa, a1);
            b1 = v1.fma(xb, b1);
            c1 = w1.fma(xa, c1);
            d1 = w1.fma(xb, d1);
        }
        a0.intoArray(sums, 0);
        a1.intoArray(sums, 8);
        b0.intoArray(sums, 16);
        b1.intoArray(sums, 24);
        c0.intoArray(sums, 32);
        c1.intoArray(sums, 40);
        d0.intoArray(sums, 48);
        d1.intoArray(sums, 56);
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
