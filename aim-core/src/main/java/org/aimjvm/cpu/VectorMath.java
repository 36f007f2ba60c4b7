package org.aimjvm.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static org.aimjvm.cpu.Simd.F;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Exponential and what is made of it, on vectors of {@link Simd#F} and on single floats. Built from IEEE operations and
 * fused multiply-adds only, in one fixed order, so that a value has the same bits in any lane, at any vector width, in
 * the scalar twin of the same name (for tails) and on any machine.
 *
 * <p>Bounds are in units in the last place (ulp) of the F32 result, against the real value, for results of at least
 * 1e-36; below, where e^x is subnormal, errors are under 2e-43. {@code VectorMathTest} checks both. Zero, infinity and
 * NaN come out as {@code (float)} of the {@link Math} counterpart.
 *
 * <p>The vector methods call the Vector API and hardly anything else. HotSpot inlines that API whatever the size of the
 * compiled loop, but stops inlining other methods once a loop has grown large; a vector that is passed to one of them then
 * takes the way through the heap, twenty times as slow.
 */
final class VectorMath {
    /** Below, e^x rounds to 0; above the next one, to infinity. Both keep the arithmetic that follows in range. */
    private static final float EXP_LOW = -104f;

    private static final float EXP_HIGH = 89f;
    private static final float LOG2_E = 1.442695f;
    /** ln 2 rounded to F32, and the rest. */
    private static final float LN2_HIGH = 0.6931472f;

    private static final float LN2_LOW = -1.9046542e-9f;
    /** 1.5 * 2^23: adding it rounds to an integer, which is then in the low bits. */
    private static final float ROUNDER = 12582912f;
    /** (e^r - 1 - r) / r^2 on |r| at most ln 2 / 2; least greatest relative error of e^r, 2^-28. */
    private static final float E2 = 0.49999994f;

    private static final float E3 = 0.16666521f;
    private static final float E4 = 0.041668266f;
    private static final float E5 = 0.008368677f;
    private static final float E6 = 0.0013820734f;
    /** (2 artanh(s / 2) - s) / s^3 as a polynomial in s^2 up to 4/9; relative error of the logarithm 2^-27. */
    private static final float L1 = 0.08333302f;

    private static final float L2 = 0.012506699f;
    private static final float L3 = 0.0021877366f;
    private static final float L4 = 0.0005470069f;

    private VectorMath() {}

    /** {@code e^x}, within 1 ulp. */
    static FloatVector exp(FloatVector x) {
        FloatVector c = x.blend(EXP_LOW, x.compare(LT, EXP_LOW)).blend(EXP_HIGH, x.compare(GT, EXP_HIGH));
        FloatVector t = c.fma(LOG2_E, ROUNDER); // x / ln 2, rounded, in the low bits
        FloatVector k = t.sub(ROUNDER);
        FloatVector r = k.fma(FloatVector.broadcast(F, -LN2_LOW), k.fma(FloatVector.broadcast(F, -LN2_HIGH), c));
        FloatVector q = r.fma(E6, E5)
                .fma(r, FloatVector.broadcast(F, E4))
                .fma(r, FloatVector.broadcast(F, E3))
                .fma(r, FloatVector.broadcast(F, E2));
        FloatVector p = q.fma(r.mul(r), r).add(1f);
        // 2^k in two factors: k may leave the exponent range by one factor where the result is infinite or subnormal
        IntVector i = t.reinterpretAsInts().sub(Float.floatToRawIntBits(ROUNDER));
        IntVector half = i.lanewise(ASHR, 1);
        FloatVector scale = half.add(127).lanewise(LSHL, 23).reinterpretAsFloats();
        FloatVector rest = i.sub(half).add(127).lanewise(LSHL, 23).reinterpretAsFloats();
        return p.mul(scale).mul(rest);
    }

    /** {@code e^x}, the bits of {@link #exp(FloatVector)}. */
    static float exp(float x) {
        float c = x < EXP_LOW ? EXP_LOW : x > EXP_HIGH ? EXP_HIGH : x;
        float t = Math.fma(c, LOG2_E, ROUNDER);
        float k = t - ROUNDER;
        float r = Math.fma(k, -LN2_LOW, Math.fma(k, -LN2_HIGH, c));
        float q = Math.fma(Math.fma(Math.fma(Math.fma(E6, r, E5), r, E4), r, E3), r, E2);
        float p = Math.fma(q, r * r, r) + 1f;
        int i = Float.floatToRawIntBits(t) - Float.floatToRawIntBits(ROUNDER);
        int half = i >> 1;
        return p * powerOfTwo(half) * powerOfTwo(i - half);
    }

    /** {@code 1 / (1 + e^-x)}, within 2.5 ulp. */
    static FloatVector sigmoid(FloatVector x) {
        FloatVector e = exp(x.abs().neg()); // never overflows, keeps small values exact for negative x
        return FloatVector.broadcast(F, 1f).blend(e, x.compare(LT, 0f)).div(e.add(1f));
    }

    /** {@code 1 / (1 + e^-x)}, the bits of {@link #sigmoid(FloatVector)}. */
    static float sigmoid(float x) {
        float e = exp(-Math.abs(x));
        return (x < 0 ? e : 1f) / (e + 1f);
    }

    /** {@code x / (1 + e^-x)}, within 3 ulp. */
    static FloatVector silu(FloatVector x) {
        return x.mul(sigmoid(x));
    }

    /** {@code x / (1 + e^-x)}, the bits of {@link #silu(FloatVector)}. */
    static float silu(float x) {
        return x * sigmoid(x);
    }

    /** Derivative of silu, {@code s (1 + x (1 - s))} with {@code s = sigmoid(x)}, within 1e-6 absolute. */
    static FloatVector siluDerivative(FloatVector x) {
        FloatVector s = sigmoid(x);
        FloatVector one = FloatVector.broadcast(F, 1f);
        return s.mul(x.fma(one.sub(s), one));
    }

    /** Derivative of silu, the bits of {@link #siluDerivative(FloatVector)}. */
    static float siluDerivative(float x) {
        float s = sigmoid(x);
        return s * Math.fma(x, 1f - s, 1f);
    }

    /** {@code log(1 + e^x)}, within 4 ulp; the identity above 20 comes by itself, as e^-20 is below half an ulp. */
    static FloatVector softplus(FloatVector x) {
        FloatVector positive = x.blend(0f, x.compare(LT, 0f)); // max(x, 0) that lets NaN through
        return positive.add(log1p(exp(x.abs().neg())));
    }

    /** {@code log(1 + e^x)}, the bits of {@link #softplus(FloatVector)}. */
    static float softplus(float x) {
        return (x < 0 ? 0f : x) + log1p(exp(-Math.abs(x)));
    }

    /** {@code log(1 + u)} for u in [0, 1], within 3 ulp, as {@code 2 artanh(u / (2 + u))}. */
    static FloatVector log1p(FloatVector u) {
        FloatVector s = u.add(u).div(u.add(2f));
        FloatVector z = s.mul(s);
        FloatVector q = z.fma(L4, L3).fma(z, FloatVector.broadcast(F, L2)).fma(z, FloatVector.broadcast(F, L1));
        return q.fma(z.mul(s), s);
    }

    /** {@code log(1 + u)} for u in [0, 1], the bits of {@link #log1p(FloatVector)}. */
    static float log1p(float u) {
        float s = (u + u) / (u + 2f);
        float z = s * s;
        float q = Math.fma(Math.fma(Math.fma(L4, z, L3), z, L2), z, L1);
        return Math.fma(q, z * s, s);
    }

    private static float powerOfTwo(int k) {
        return Float.intBitsToFloat(k + 127 << 23);
    }
}
