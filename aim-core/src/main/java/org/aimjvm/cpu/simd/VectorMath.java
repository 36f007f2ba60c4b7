package org.aimjvm.cpu.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

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
 * compiled loop, but stops inlining other methods once a loop has grown large; a vector that is passed to one of them
 * then takes the way through the heap, twenty times as slow.
 */
public final class VectorMath {
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
    public static FloatVector exp(FloatVector x) {
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
    public static float exp(float x) {
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
    public static FloatVector sigmoid(FloatVector x) {
        FloatVector e = exp(x.abs().neg()); // never overflows, keeps small values exact for negative x
        return FloatVector.broadcast(F, 1f).blend(e, x.compare(LT, 0f)).div(e.add(1f));
    }

    /** {@code 1 / (1 + e^-x)}, the bits of {@link #sigmoid(FloatVector)}. */
    public static float sigmoid(float x) {
        float e = exp(-Math.abs(x));
        return (x < 0 ? e : 1f) / (e + 1f);
    }

    /** {@code x / (1 + e^-x)}, within 3 ulp. */
    public static FloatVector silu(FloatVector x) {
        return x.mul(sigmoid(x));
    }

    /** {@code x / (1 + e^-x)}, the bits of {@link #silu(FloatVector)}. */
    public static float silu(float x) {
        return x * sigmoid(x);
    }

    /** Derivative of silu, {@code s (1 + x (1 - s))} with {@code s = sigmoid(x)}, within 1e-6 absolute. */
    public static FloatVector siluDerivative(FloatVector x) {
        FloatVector s = sigmoid(x);
        FloatVector one = FloatVector.broadcast(F, 1f);
        return s.mul(x.fma(one.sub(s), one));
    }

    /** Derivative of silu, the bits of {@link #siluDerivative(FloatVector)}. */
    public static float siluDerivative(float x) {
        float s = sigmoid(x);
        return s * Math.fma(x, 1f - s, 1f);
    }

    /** {@code log(1 + e^x)}, within 4 ulp; the identity above 20 comes by itself, as e^-20 is below half an ulp. */
    public static FloatVector softplus(FloatVector x) {
        FloatVector positive = x.blend(0f, x.compare(LT, 0f)); // max(x, 0) that lets NaN through
        return positive.add(log1p(exp(x.abs().neg())));
    }

    /** {@code log(1 + e^x)}, the bits of {@link #softplus(FloatVector)}. */
    public static float softplus(float x) {
        return (x < 0 ? 0f : x) + log1p(exp(-Math.abs(x)));
    }

    /** {@code log(1 + u)} for u in [0, 1], within 3 ulp, as {@code 2 artanh(u / (2 + u))}. */
    public static FloatVector log1p(FloatVector u) {
        FloatVector s = u.add(u).div(u.add(2f));
        FloatVector z = s.mul(s);
        FloatVector q = z.fma(L4, L3).fma(z, FloatVector.broadcast(F, L2)).fma(z, FloatVector.broadcast(F, L1));
        return q.fma(z.mul(s), s);
    }

    /** {@code log(1 + u)} for u in [0, 1], the bits of {@link #log1p(FloatVector)}. */
    public static float log1p(float u) {
        float s = (u + u) / (u + 2f);
        float z = s * s;
        float q = Math.fma(Math.fma(Math.fma(L4, z, L3), z, L2), z, L1);
        return Math.fma(q, z * s, s);
    }

    /**
     * {@code e^x} of elements {@code [at, at + count)} in place. Two vectors at a time, which makes it longer than what
     * HotSpot ever inlines (325 bytes of bytecode): a method with several exponentials calls this one, or one of those
     * below, and stays small whatever it is inlined into itself.
     */
    public static void exp(float[] values, int at, int count) {
        int i = at;
        int end = at + count;
        for (; i <= end - 2 * LANES; i += 2 * LANES) {
            FloatVector x = FloatVector.fromArray(F, values, i);
            FloatVector y = FloatVector.fromArray(F, values, i + LANES);
            FloatVector cx = x.blend(EXP_LOW, x.compare(LT, EXP_LOW)).blend(EXP_HIGH, x.compare(GT, EXP_HIGH));
            FloatVector cy = y.blend(EXP_LOW, y.compare(LT, EXP_LOW)).blend(EXP_HIGH, y.compare(GT, EXP_HIGH));
            FloatVector tx = cx.fma(LOG2_E, ROUNDER);
            FloatVector ty = cy.fma(LOG2_E, ROUNDER);
            FloatVector kx = tx.sub(ROUNDER);
            FloatVector ky = ty.sub(ROUNDER);
            FloatVector high = FloatVector.broadcast(F, -LN2_HIGH);
            FloatVector low = FloatVector.broadcast(F, -LN2_LOW);
            FloatVector rx = kx.fma(low, kx.fma(high, cx));
            FloatVector ry = ky.fma(low, ky.fma(high, cy));
            FloatVector e4 = FloatVector.broadcast(F, E4);
            FloatVector e3 = FloatVector.broadcast(F, E3);
            FloatVector e2 = FloatVector.broadcast(F, E2);
            FloatVector qx = rx.fma(E6, E5).fma(rx, e4).fma(rx, e3).fma(rx, e2);
            FloatVector qy = ry.fma(E6, E5).fma(ry, e4).fma(ry, e3).fma(ry, e2);
            FloatVector px = qx.fma(rx.mul(rx), rx).add(1f);
            FloatVector py = qy.fma(ry.mul(ry), ry).add(1f);
            IntVector ix = tx.reinterpretAsInts().sub(Float.floatToRawIntBits(ROUNDER));
            IntVector iy = ty.reinterpretAsInts().sub(Float.floatToRawIntBits(ROUNDER));
            IntVector hx = ix.lanewise(ASHR, 1);
            IntVector hy = iy.lanewise(ASHR, 1);
            px.mul(hx.add(127).lanewise(LSHL, 23).reinterpretAsFloats())
                    .mul(ix.sub(hx).add(127).lanewise(LSHL, 23).reinterpretAsFloats())
                    .intoArray(values, i);
            py.mul(hy.add(127).lanewise(LSHL, 23).reinterpretAsFloats())
                    .mul(iy.sub(hy).add(127).lanewise(LSHL, 23).reinterpretAsFloats())
                    .intoArray(values, i + LANES);
        }
        for (; i < end; i++) {
            values[i] = exp(values[i]);
        }
    }

    /** {@code y = 1 / (1 + e^-x)}, the bits of {@link #sigmoid(float)}; {@code y} is not {@code x}. */
    public static void sigmoid(float[] y, int yAt, float[] x, int xAt, int count) {
        negativeExp(y, yAt, x, xAt, count);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector e = FloatVector.fromArray(F, y, yAt + i);
            FloatVector top =
                    FloatVector.broadcast(F, 1f).blend(e, FloatVector.fromArray(F, x, xAt + i).compare(LT, 0f));
            top.div(e.add(1f)).intoArray(y, yAt + i);
        }
        for (; i < count; i++) {
            float e = y[yAt + i];
            y[yAt + i] = (x[xAt + i] < 0 ? e : 1f) / (e + 1f);
        }
    }

    /** {@code y = log(1 + e^x)}, the bits of {@link #softplus(float)}; {@code y} is not {@code x}. */
    public static void softplus(float[] y, int yAt, float[] x, int xAt, int count) {
        negativeExp(y, yAt, x, xAt, count);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, xAt + i);
            v.blend(0f, v.compare(LT, 0f)).add(log1p(FloatVector.fromArray(F, y, yAt + i))).intoArray(y, yAt + i);
        }
        for (; i < count; i++) {
            float v = x[xAt + i];
            y[yAt + i] = (v < 0 ? 0f : v) + log1p(y[yAt + i]);
        }
    }

    /** {@code y = e^-|x|}. */
    private static void negativeExp(float[] y, int yAt, float[] x, int xAt, int count) {
        for (int i = 0; i < count; i++) {
            y[yAt + i] = -Math.abs(x[xAt + i]);
        }
        exp(y, yAt, count);
    }

    private static float powerOfTwo(int k) {
        return Float.intBitsToFloat(k + 127 << 23);
    }
}
