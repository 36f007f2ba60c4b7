package org.aimjvm.cpu.simd;

import static jdk.incubator.vector.VectorOperators.F2D;
import static org.aimjvm.cpu.simd.Lanes.D;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.cpu.memory.Warmth;

/**
 * Sums of F32 elements accumulated in F64, in an order that depends on the count alone: a few running vectors of
 * doubles, then the lanes, then the tail. Loads are spelled out for the reason {@link VectorMath} gives.
 *
 * <p>A vector of floats makes two of doubles. Half as wide vectors would do too, but no other width than that of {@link
 * Simd#F} must occur in a process: HotSpot's profiles of the Vector API would then know two classes, and loops
 * elsewhere box.
 */
public final class VectorSums {
    private VectorSums() {}

    /** {@code sum of x[at + i]}. */
    public static double sum(float[] x, int at, int count) {
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        DoubleVector s2 = s0;
        DoubleVector s3 = s0;
        int i = 0;
        for (; i <= count - 2 * LANES; i += 2 * LANES) {
            FloatVector v = FloatVector.fromArray(F, x, at + i);
            s0 = s0.add(v.convert(F2D, 0));
            s1 = s1.add(v.convert(F2D, 1));
            v = FloatVector.fromArray(F, x, at + i + LANES);
            s2 = s2.add(v.convert(F2D, 0));
            s3 = s3.add(v.convert(F2D, 1));
        }
        for (; i <= count - LANES; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, at + i);
            s0 = s0.add(v.convert(F2D, 0));
            s1 = s1.add(v.convert(F2D, 1));
        }
        double total = Lanes.sum(s0.add(s1).add(s2.add(s3)));
        for (; i < count; i++) {
            total += x[at + i];
        }
        return total;
    }

    /** {@code sum of a[atA + i] b[atB + i]}. */
    public static double dot(float[] a, int atA, float[] b, int atB, int count) {
        if (Warmth.isCold()) {
            return ScalarTwins.dot(a, atA, b, atB, count);
        }
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector u = FloatVector.fromArray(F, a, atA + i);
            FloatVector v = FloatVector.fromArray(F, b, atB + i);
            s0 = ((DoubleVector) u.convert(F2D, 0)).fma((DoubleVector) v.convert(F2D, 0), s0);
            s1 = ((DoubleVector) u.convert(F2D, 1)).fma((DoubleVector) v.convert(F2D, 1), s1);
        }
        double total = Lanes.sum(s0.add(s1));
        for (; i < count; i++) {
            total += (double) a[atA + i] * b[atB + i];
        }
        return total;
    }

    /** {@code sum of (a[atA + i] b[atB + i]) c[atC + i]}, the first product rounded to F32. */
    public static double dot3(float[] a, int atA, float[] b, int atB, float[] c, int atC, int count) {
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector u = FloatVector.fromArray(F, a, atA + i).mul(FloatVector.fromArray(F, b, atB + i));
            FloatVector v = FloatVector.fromArray(F, c, atC + i);
            s0 = ((DoubleVector) u.convert(F2D, 0)).fma((DoubleVector) v.convert(F2D, 0), s0);
            s1 = ((DoubleVector) u.convert(F2D, 1)).fma((DoubleVector) v.convert(F2D, 1), s1);
        }
        double total = Lanes.sum(s0.add(s1));
        for (; i < count; i++) {
            total += (double) (a[atA + i] * b[atB + i]) * c[atC + i];
        }
        return total;
    }

    /** Sum of {@code (x[i] - mean)^2} over {@code x[at .. at + count)}, in F64. */
    public static double squaredDistance(float[] x, int at, int count, double mean) {
        DoubleVector q0 = DoubleVector.zero(D);
        DoubleVector q1 = q0;
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, at + i);
            DoubleVector d0 = ((DoubleVector) v.convert(F2D, 0)).sub(mean);
            DoubleVector d1 = ((DoubleVector) v.convert(F2D, 1)).sub(mean);
            q0 = d0.fma(d0, q0);
            q1 = d1.fma(d1, q1);
        }
        double sum = Lanes.sum(q0.add(q1));
        for (; i < count; i++) {
            double d = x[at + i] - mean;
            sum += d * d;
        }
        return sum;
    }

    /**
     * Writes mean and 1 / sqrt(var + eps) of {@code x[at .. at + count)} to entry {@code entry} of {@code stats}. One
     * pass: in F64 the squares are exact and E[x^2] - mean^2 loses nothing that F32 data had.
     */
    public static void meanAndInverse(float[] stats, int entry, float[] x, int at, int count, float eps) {
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        DoubleVector q0 = s0;
        DoubleVector q1 = s0;
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, at + i);
            DoubleVector x0 = (DoubleVector) v.convert(F2D, 0);
            DoubleVector x1 = (DoubleVector) v.convert(F2D, 1);
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
