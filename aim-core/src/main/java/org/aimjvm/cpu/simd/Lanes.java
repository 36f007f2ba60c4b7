package org.aimjvm.cpu.simd;

import static jdk.incubator.vector.VectorOperators.GT;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Reductions over the lanes of a vector by halving. {@link FloatVector#reduceLanes} leaves the order of a sum open, and
 * HotSpot's interpreter and compilers do take different ones, so results would change while a program warms up.
 */
public final class Lanes {
    /** Doubles in a vector as wide as {@link Simd#F}. */
    static final VectorSpecies<Double> D = VectorSpecies.of(double.class, F.vectorShape());

    private static final VectorShuffle<Float> BY_8 = F.iotaShuffle(8, 1, true);
    private static final VectorShuffle<Float> BY_4 = F.iotaShuffle(4, 1, true);
    private static final VectorShuffle<Float> BY_2 = F.iotaShuffle(2, 1, true);
    private static final VectorShuffle<Float> BY_1 = F.iotaShuffle(1, 1, true);
    private static final VectorShuffle<Double> D_BY_4 = D.iotaShuffle(4, 1, true);
    private static final VectorShuffle<Double> D_BY_2 = D.iotaShuffle(2, 1, true);
    private static final VectorShuffle<Double> D_BY_1 = D.iotaShuffle(1, 1, true);

    private Lanes() {}

    /** Sum of the lanes. */
    public static float sum(FloatVector v) {
        FloatVector s = v;
        if (LANES >= 16) {
            s = s.add(s.rearrange(BY_8));
        }
        if (LANES >= 8) {
            s = s.add(s.rearrange(BY_4));
        }
        s = s.add(s.rearrange(BY_2));
        s = s.add(s.rearrange(BY_1));
        return s.lane(0);
    }

    /** Sum of the lanes. */
    public static double sum(DoubleVector v) {
        DoubleVector s = v;
        if (LANES >= 16) {
            s = s.add(s.rearrange(D_BY_4));
        }
        if (LANES >= 8) {
            s = s.add(s.rearrange(D_BY_2));
        }
        s = s.add(s.rearrange(D_BY_1));
        return s.lane(0);
    }

    /** Greatest lane; lanes with NaN may or may not count. */
    public static float max(FloatVector v) {
        FloatVector m = v;
        if (LANES >= 16) {
            m = max(m, m.rearrange(BY_8));
        }
        if (LANES >= 8) {
            m = max(m, m.rearrange(BY_4));
        }
        m = max(m, m.rearrange(BY_2));
        m = max(m, m.rearrange(BY_1));
        return m.lane(0);
    }

    /** Greater of each pair of lanes, {@code a} where {@code b} is NaN: two instructions where max takes five. */
    public static FloatVector max(FloatVector a, FloatVector b) {
        return a.blend(b, b.compare(GT, a));
    }
}
