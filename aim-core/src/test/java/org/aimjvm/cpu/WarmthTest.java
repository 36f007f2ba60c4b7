package org.aimjvm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.cpu.memory.HeapStorage;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.simd.ScalarTwins;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorSums;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What plain loops compute while the JVM is cold has the bits of vectors; and the JVM warms up by multiplying. */
@EverySimdWidth
class WarmthTest {
    private static final float[] SPECIAL = {
        Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0f, -0f, Float.MIN_VALUE, -1e-40f, 3e38f, -104.5f,
        89.5f
    };

    private VectorBackend backend;

    @BeforeEach
    void openBackend() {
        VectorBackendProvider vector = new VectorBackendProvider();
        assumeTrue(vector.availability().available(), vector.availability().reason());
        backend = new VectorBackend(2);
    }

    @AfterEach
    void warmAgain() {
        if (backend != null) {
            warm();
        }
    }

    private static void cold() {
        Warmth.reset(Long.MAX_VALUE);
    }

    private static void warm() {
        Warmth.reset(0);
    }

    static Stream<KernelCall> calls() {
        List<KernelCall> calls = new ArrayList<>(ElementwiseCalls.calls());
        calls.addAll(NormCalls.calls());
        calls.addAll(SsmCalls.calls());
        return calls.stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("calls")
    void kernelsHaveTheBitsOfVectors(KernelCall call) {
        for (float[] special : new float[][] {{}, {-0f, Float.MIN_VALUE, 1e-39f, 100f, -105f}, SPECIAL}) {
            warm();
            float[][] expected = call.run(backend, 5, special);
            cold();
            float[][] got = call.run(backend, 5, special);
            for (int i = 0; i < expected.length; i++) {
                assertThat(got[i]).as("output %d", i).isEqualTo(expected[i]);
            }
        }
    }

    /** Sizes around a vector, a panel and a group of sums. */
    static Stream<Arguments> products() {
        int[][] sizes = {{1, 1}, {3, 5}, {17, 33}, {64, 96}, {65, 288}, {129, 257}};
        return Arrays.stream(sizes)
                .flatMap(s -> Arrays.stream(WeightFormat.values()).map(f -> Arguments.of(f, s[0], s[1])));
    }

    @ParameterizedTest(name = "{0}, {1} x {2}")
    @MethodSource("products")
    void productsHaveTheBitsOfVectors(WeightFormat format, int out, int in) {
        Storage weights = backend.weights(new WeightMatrix.Floats(out, in, WeightFormat.F32, () -> random(out * in, 1)),
                format);
        for (int rows : new int[] {1, 2, 3, 5, 9}) {
            for (boolean special : new boolean[] {false, true}) {
                float[] x = random(rows * in, rows);
                for (int i = 0; special && i < x.length; i += 7) {
                    x[i] = SPECIAL[i / 7 % SPECIAL.length];
                }
                warm();
                float[] expected = linear(weights, x, rows, out, in);
                cold();
                assertThat(linear(weights, x, rows, out, in)).as("%d rows", rows).isEqualTo(expected);
            }
        }
    }

    @Test
    void sumsHaveTheBitsOfVectors() {
        for (int count = 0; count < 70; count++) {
            float[] a = random(count + 3, 2);
            float[] b = random(count + 5, 3);
            warm();
            double expected = VectorSums.dot(a, 3, b, 5, count);
            assertThat(ScalarTwins.dot(a, 3, b, 5, count)).as("%d elements", count).isEqualTo(expected);
        }
    }

    @Test
    void productsWarmTheJvmUp() {
        int out = 40;
        int in = 32;
        Storage weights =
                backend.weights(new WeightMatrix.Floats(out, in, WeightFormat.BF16, () -> random(out * in, 1)),
                        WeightFormat.BF16);
        int padded = (out + Simd.PANEL - 1) / Simd.PANEL * Simd.PANEL;
        Warmth.reset(3L * padded * in);
        float[] x = random(in, 1);
        linear(weights, x, 1, out, in);
        linear(weights, x, 1, out, in);
        assertThat(Warmth.isCold()).isTrue();
        assertThat(Simd.lastVector(100)).isNegative();
        linear(weights, x, 1, out, in);
        assertThat(Warmth.isCold()).isFalse();
        assertThat(Simd.lastVector(100)).isEqualTo(100 - Simd.LANES);
    }

    @Test
    void aLargeModelUsesVectorsFromTheStart() {
        cold();
        backend.weights(new WeightMatrix.Floats(1024, 1024, WeightFormat.BF16, () -> new float[1024 * 1024]),
                WeightFormat.BF16);
        assertThat(Warmth.isCold()).isTrue();
        backend.weights(new WeightMatrix.Floats(1025, 1024, WeightFormat.BF16, () -> new float[1025 * 1024]),
                WeightFormat.BF16);
        assertThat(Warmth.isCold()).isFalse();
    }

    /** Or training and the tokenizer, whose products are of other kinds, would use plain loops for ever. */
    @Test
    void productsOfEveryKindWarmTheJvmUp() {
        for (WeightFormat format : WeightFormat.values()) {
            Storage w = backend.weights(new WeightMatrix.Floats(64, 32, WeightFormat.F32, () -> random(64 * 32, 1)),
                    format);
            for (int rows : new int[] {1, 2, 5}) {
                Warmth.reset(1);
                linear(w, random(rows * 32, 2), rows, 64, 32);
                assertThat(Warmth.isCold()).as("%s, %d rows", format, rows).isFalse();
            }
        }
        for (int rows : new int[] {1, 3, 300}) {
            for (boolean transA : new boolean[] {false, true}) {
                Warmth.reset(1);
                backend.gemm()
                        .gemm(new HeapStorage(new float[rows * 40]), new HeapStorage(random(rows * 20, 1)),
                                new HeapStorage(random(40 * 20, 2)), new GemmShape(1, rows, 40, 20, transA, true),
                                false);
                assertThat(Warmth.isCold()).as("%d rows, turned %s", rows, transA).isFalse();
            }
        }
        List<KernelCall> convolutions =
                ConvCalls.calls().stream().filter(c -> c.name().startsWith("conv2d")).toList();
        assertThat(convolutions).isNotEmpty();
        for (KernelCall call : convolutions) {
            Warmth.reset(1);
            call.run(backend, 1);
            assertThat(Warmth.isCold()).as(call.name()).isFalse();
        }
    }

    private float[] linear(Storage w, float[] x, int rows, int out, int in) {
        float[] y = new float[rows * out];
        backend.gemm().linear(new HeapStorage(y), new HeapStorage(x), w, rows, out, in);
        return y;
    }

    private static float[] random(int n, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-2, 2);
        }
        return values;
    }
}
