package org.aimjvm.cpu;

import static jdk.incubator.vector.VectorOperators.F2D;
import static org.aimjvm.cpu.Lanes.D;
import static org.aimjvm.cpu.Simd.LANES;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums of F32 elements accumulated in F64, in an order that depends on the count alone: a few running vectors of doubles,
 * then the lanes, then the tail. Loads are spelled out for the reason {@link VectorMath} gives.
 */
final class VectorSums {
    /** As many floats as a vector holds doubles. */
    private static final VectorSpecies<Float> HALF =
            VectorSpecies.of(float.class, VectorShape.forBitSize(Simd.F.vectorBitSize() / 2));

    private static final int STEP = LANES / 2;

    private VectorSums() {}

    /** {@code sum of x[at + i]}. */
    static double sum(float[] x, int at, int count) {
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        DoubleVector s2 = s0;
        DoubleVector s3 = s0;
        int i = 0;
        for (; i <= count - 4 * STEP; i += 4 * STEP) {
            s0 = s0.add(FloatVector.fromArray(HALF, x, at + i).convertShape(F2D, D, 0));
            s1 = s1.add(FloatVector.fromArray(HALF, x, at + i + STEP).convertShape(F2D, D, 0));
            s2 = s2.add(FloatVector.fromArray(HALF, x, at + i + 2 * STEP).convertShape(F2D, D, 0));
            s3 = s3.add(FloatVector.fromArray(HALF, x, at + i + 3 * STEP).convertShape(F2D, D, 0));
        }
        for (; i <= count - STEP; i += STEP) {
            s0 = s0.add(FloatVector.fromArray(HALF, x, at + i).convertShape(F2D, D, 0));
        }
        double total = Lanes.sum(s0.add(s1).add(s2.add(s3)));
        for (; i < count; i++) {
            total += x[at + i];
        }
        return total;
    }

    /** {@code sum of a[atA + i] b[atB + i]}. */
    static double dot(float[] a, int atA, float[] b, int atB, int count) {
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        int i = 0;
        for (; i <= count - 2 * STEP; i += 2 * STEP) {
            DoubleVector a0 = (DoubleVector) FloatVector.fromArray(HALF, a, atA + i).convertShape(F2D, D, 0);
            DoubleVector a1 = (DoubleVector) FloatVector.fromArray(HALF, a, atA + i + STEP).convertShape(F2D, D, 0);
            s0 = a0.fma(FloatVector.fromArray(HALF, b, atB + i).convertShape(F2D, D, 0), s0);
            s1 = a1.fma(FloatVector.fromArray(HALF, b, atB + i + STEP).convertShape(F2D, D, 0), s1);
        }
        for (; i <= count - STEP; i += STEP) {
            DoubleVector a0 = (DoubleVector) FloatVector.fromArray(HALF, a, atA + i).convertShape(F2D, D, 0);
            s0 = a0.fma(FloatVector.fromArray(HALF, b, atB + i).convertShape(F2D, D, 0), s0);
        }
        double total = Lanes.sum(s0.add(s1));
        for (; i < count; i++) {
            total += (double) a[atA + i] * b[atB + i];
        }
        return total;
    }

    /** {@code sum of (a[atA + i] b[atB + i]) c[atC + i]}, the first product rounded to F32. */
    static double dot3(float[] a, int atA, float[] b, int atB, float[] c, int atC, int count) {
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        int i = 0;
        for (; i <= count - 2 * STEP; i += 2 * STEP) {
            FloatVector p0 = FloatVector.fromArray(HALF, a, atA + i).mul(FloatVector.fromArray(HALF, b, atB + i));
            FloatVector p1 = FloatVector.fromArray(HALF, a, atA + i + STEP)
                    .mul(FloatVector.fromArray(HALF, b, atB + i + STEP));
            s0 = ((DoubleVector) p0.convertShape(F2D, D, 0))
                    .fma(FloatVector.fromArray(HALF, c, atC + i).convertShape(F2D, D, 0), s0);
            s1 = ((DoubleVector) p1.convertShape(F2D, D, 0))
                    .fma(FloatVector.fromArray(HALF, c, atC + i + STEP).convertShape(F2D, D, 0), s1);
        }
        double total = Lanes.sum(s0.add(s1));
        for (; i < count; i++) {
            total += (double) (a[atA + i] * b[atB + i]) * c[atC + i];
        }
        return total;
    }

    /**
     * Writes mean and 1 / sqrt(var + eps) of {@code x[at .. at + count)} to entry {@code entry} of {@code stats}. One pass:
     * in F64 the squares are exact and E[x^2] - mean^2 loses nothing that F32 data had.
     */
    static void meanAndInverse(float[] stats, int entry, float[] x, int at, int count, float eps) {
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        DoubleVector q0 = s0;
        DoubleVector q1 = s0;
        int i = 0;
        for (; i <= count - 2 * STEP; i += 2 * STEP) {
            DoubleVector x0 = (DoubleVector) FloatVector.fromArray(HALF, x, at + i).convertShape(F2D, D, 0);
            DoubleVector x1 = (DoubleVector) FloatVector.fromArray(HALF, x, at + i + STEP).convertShape(F2D, D, 0);
            s0 = s0.add(x0);
            s1 = s1.add(x1);
            q0 = x0.fma(x0, q0);
            q1 = x1.fma(x1, q1);
        }
        double sum = Lanes.sum(s0.add(s1));
        double squares = Lanes.sum(q0.add(q1));
        for (; i < count; i++) {
            sum += x[at + i];
            squares += (double) x[at + i] * x[at + i];
        }
        double mean = sum / count;
        stats[2 * entry] = (float) mean;
        stats[2 * entry + 1] = (float) (1 / Math.sqrt(Math.max(squares / count - mean * mean, 0) + eps));
    }
}
