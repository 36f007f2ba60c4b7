package org.aimjvm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorMath;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Accuracy over the whole range, special values, and a lane equal to the scalar twin bit by bit. */
@EverySimdWidth
class VectorMathTest {
    /** A prime, so that mantissas of all patterns come by; about half a million floats. */
    private static final int STRIDE = 8191;

    private static final float SMALL = 1e-36f;

    private static final float[] SPECIAL = {
        0f, -0f, 1f, -1f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.MIN_VALUE,
        -Float.MIN_VALUE,
        Float.MAX_VALUE, -Float.MAX_VALUE, 88.72283f, 88.72284f, 89f, 89.1f, -87.33654f, -87.4f, -103.97208f, -103.98f,
        -104f,
        -104.1f, 20f, 20.000002f, 0.34657359f, -0.34657359f, 1e-8f, -1e-8f
    };

    private interface Scalar {
        float apply(float x);
    }

    @BeforeAll
    static void theModuleIsThere() {
        assumeTrue(new VectorBackendProvider().availability().available(), "the Vector module is not resolved");
    }

    @Test
    void exp() {
        check(VectorMath::exp, VectorMath::exp, Math::exp, Float.NEGATIVE_INFINITY, 1);
    }

    @Test
    void sigmoid() {
        check(VectorMath::sigmoid, VectorMath::sigmoid, x -> 1 / (1 + Math.exp(-x)), Float.NEGATIVE_INFINITY, 2.5);
    }

    @Test
    void silu() {
        check(VectorMath::silu, VectorMath::silu, x -> x * (1 / (1 + Math.exp(-x))), Float.NEGATIVE_INFINITY, 3);
    }

    @Test
    void softplus() {
        check(VectorMath::softplus, VectorMath::softplus, x -> x > 40 ? x : Math.log1p(Math.exp(x)),
                Float.NEGATIVE_INFINITY, 4);
    }

    @Test
    void log1pOfZeroToOne() {
        check(VectorMath::log1p, VectorMath::log1p, Math::log1p, 0f, 3);
    }

    @Test
    void siluDerivative() {
        double worst = 0;
        for (float x = -100; x <= 100; x += 0.0113f) {
            double s = 1 / (1 + Math.exp(-x));
            double expected = s * (1 + x * (1 - s));
            float got = VectorMath.siluDerivative(x);
            worst = Math.max(worst, Math.abs(got - expected));
            assertThat(VectorMath.siluDerivative(FloatVector.broadcast(Simd.F, x)).lane(0)).isEqualTo(got);
        }
        assertThat(worst).isLessThan(1e-6);
    }

    @Test
    void functionsOfArraysHaveTheBitsOfTheScalarTwins() {
        for (int count : new int[] {1, Simd.LANES - 1, Simd.LANES, 5 * Simd.LANES + 3, 1000}) {
            float[] x = new float[count + 5];
            for (int i = 0; i < x.length; i++) {
                x[i] = i < SPECIAL.length ? SPECIAL[i] : (i * 37 % 1000 - 500) * 0.21f;
            }
            float[] exp = x.clone();
            float[] sigmoid = new float[count + 5];
            float[] softplus = new float[count + 5];
            VectorMath.exp(exp, 2, count);
            VectorMath.sigmoid(sigmoid, 1, x, 2, count);
            VectorMath.softplus(softplus, 3, x, 2, count);
            for (int i = 0; i < count; i++) {
                assertThat(Float.valueOf(exp[2 + i])).isEqualTo(Float.valueOf(VectorMath.exp(x[2 + i])));
                assertThat(Float.valueOf(sigmoid[1 + i])).isEqualTo(Float.valueOf(VectorMath.sigmoid(x[2 + i])));
                assertThat(Float.valueOf(softplus[3 + i])).isEqualTo(Float.valueOf(VectorMath.softplus(x[2 + i])));
            }
            assertThat(new float[] {exp[0], exp[1], exp[2 + count]}).containsExactly(x[0], x[1], x[2 + count]);
            assertThat(new float[] {sigmoid[0], sigmoid[1 + count], softplus[2], softplus[3 + count]}).containsOnly(0f);
        }
    }

    /** Inlined into large methods it would be compiled with vectors as objects: see its Javadoc. */
    @Test
    void expOfArraysIsTooLongToBeInlined() throws IOException {
        try (InputStream in = VectorMath.class.getResourceAsStream("VectorMath.class")) {
            int length = ClassFile.of().parse(in.readAllBytes()).methods().stream()
                    .filter(m -> m.methodName().equalsString("exp") && m.methodType().equalsString("([FII)V"))
                    .mapToInt(m -> m.findAttribute(Attributes.code()).orElseThrow().codeLength())
                    .findFirst()
                    .orElseThrow();
            assertThat(length).isGreaterThan(325);
        }
    }

    /** Arguments from {@code low} on; from 0 on means [0, 1]. */
    private static void check(
            UnaryOperator<FloatVector> vector, Scalar scalar, DoubleUnaryOperator exact, float low, double maxUlps) {
        double worst = 0;
        float worstAt = 0;
        float[] xs = new float[Simd.LANES];
        float[] ys = new float[Simd.LANES];
        int filled = 0;
        for (long bits = 0; bits < 1L << 32; bits += STRIDE) {
            float x = bits < (long) SPECIAL.length * STRIDE ? SPECIAL[(int) (bits / STRIDE)] : Float.intBitsToFloat(
                    (int) bits);
            if (low == 0 && !(x >= 0 && x <= 1)) {
                continue;
            }
            float y = scalar.apply(x);
            xs[filled++] = x;
            if (filled == Simd.LANES) {
                vector.apply(FloatVector.fromArray(Simd.F, xs, 0)).intoArray(ys, 0);
                for (int i = 0; i < filled; i++) {
                    assertThat(Float.floatToIntBits(ys[i])).as("lane for %s", xs[i]).isEqualTo(Float.floatToIntBits(
                            scalar.apply(xs[i])));
                }
                filled = 0;
            }
            double expected = exact.applyAsDouble(x);
            float rounded = (float) expected;
            if (Float.isNaN(rounded) || Float.isInfinite(rounded) || Float.isInfinite(y) || rounded == 0) {
                assertThat(Float.valueOf(y)).as("at %s", x).isEqualTo(Float.valueOf(rounded));
            } else if (Math.abs(rounded) < SMALL) { // e^x is subnormal: an absolute bound
                assertThat(Math.abs(y - expected)).as("at %s", x).isLessThan(2e-43);
            } else {
                double ulps = Math.abs(y - expected) / Math.ulp(rounded);
                if (ulps > worst) {
                    worst = ulps;
                    worstAt = x;
                }
            }
        }
        assertThat(worst).as("ulps, worst at %s", worstAt).isLessThanOrEqualTo(maxUlps);
    }
}
