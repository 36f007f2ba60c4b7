package org.aimjvm.op.ssm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.op.norm.ResidualNormOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever a backend does in one launch has the bits of the operations one by one, and leaves the same state. */
@Tag("backends")
class LinearConvOpTest {
    private static final int STEPS = 5; // the first element has left the state

    static Stream<Backend> backends() {
        return TestBackends.available().stream();
    }

    private static float[] random(SplittableRandom random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    private static Tensor random(Backend b, SplittableRandom random, int... dims) {
        return Tensor.of(b, Shape.of(dims), random(random, Shape.of(dims).size()));
    }

    /** Where the convolved piece is and what else there is. */
    private record Layout(int[] sizes, int convolved, boolean biases, boolean silu) {}

    private static void check(
            Backend b, Tensor w, int batch, int length, int in, int[] sizes, int convolved, int width, boolean full) {
        SplittableRandom random = new SplittableRandom(2);
        int channels = sizes[convolved];
        Tensor convWeight = random(b, random, channels, 1, width);
        Tensor bias = full ? random(b, random, w.dim(0)) : null;
        Tensor convBias = full ? random(b, random, channels) : null;
        float[] start = random(random, batch * channels * width);
        Tensor state = Tensor.of(b, Shape.of(batch, channels, width), start);
        Tensor expectedState = Tensor.of(b, Shape.of(batch, channels, width), start);
        for (int step = 0; step < STEPS; step++) {
            Tensor x = random(b, random, batch, length, in);
            try (Scope _ = Scope.inference()) {
                Tensor[] got = LinearConvOp.linearConv(
                        NormedSum.of(x), w, bias, sizes, convolved, convWeight, convBias, state, full);
                Tensor[] expected = SplitOp.split(LinearOp.linear(x, w, bias), sizes);
                expected[convolved] = CausalConv1dOp.causalConv1d(
                        expected[convolved], convWeight, convBias, expectedState, full);
                for (int i = 0; i < sizes.length; i++) {
                    assertThat(got[i].shape()).isEqualTo(expected[i].shape());
                    assertThat(got[i].toFloats()).as("%s %s piece %d", b, x.shape(), i)
                            .isEqualTo(expected[i].toFloats());
                }
                assertThat(state.toFloats()).isEqualTo(expectedState.toFloats());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void oneLaunchHasTheBitsOfOneByOne(Backend b) {
        int[][] pieces = {{40, 23, 3}, {1, 5, 1}, {9, 64}, {30}, {2, 3, 7, 11, 4}};
        int[] convolved = {1, 1, 0, 0, 3};
        for (WeightFormat format : WeightFormat.values()) {
            for (int p = 0; p < pieces.length; p++) {
                int out = 0;
                for (int size : pieces[p]) {
                    out += size;
                }
                for (int in : format == WeightFormat.INT4 ? new int[] {96} : new int[] {96, 37}) {
                    float[] ws = random(new SplittableRandom(3), out * in);
                    Tensor w = Tensor.weights(
                            b, new WeightMatrix.Floats(out, in, WeightFormat.F32, () -> ws), format);
                    for (int batch : p == 0 ? new int[] {1, 2, 3, 4, 7, 16, 19, 32, 33} : new int[] {2}) {
                        check(b, w, batch, 1, in, pieces[p], convolved[p], 4, true);
                    }
                    check(b, w, 2, 1, in, pieces[p], convolved[p], 4, false);
                    check(b, w, 2, 1, in, pieces[p], convolved[p], 3, true);
                    check(b, w, 2, 3, in, pieces[p], convolved[p], 4, true);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void withTheNormBeforeItToo(Backend b) {
        Layout[] layouts = {
            new Layout(new int[] {17, 8, 3}, 1, false, true), new Layout(new int[] {19, 9}, 0, true, false)};
        SplittableRandom random = new SplittableRandom(5);
        for (WeightFormat format : WeightFormat.values()) {
            for (int in : new int[] {96, 1536, 4352}) {
                float[] ws = random(random, 28 * in);
                Tensor w = Tensor.weights(b, new WeightMatrix.Floats(28, in, WeightFormat.F32, () -> ws), format);
                Tensor normWeight = random(b, random, in);
                for (Layout layout : layouts) {
                    withTheNorm(b, random, w, normWeight, layout, format.toString());
                }
            }
        }
    }

    private static void withTheNorm(
            Backend b, SplittableRandom random, Tensor w, Tensor normWeight, Layout layout, String format) {
        int in = w.dim(1);
        int channels = layout.sizes[layout.convolved];
        Tensor convWeight = random(b, random, channels, 4);
        Tensor bias = layout.biases ? random(b, random, w.dim(0)) : null;
        Tensor convBias = layout.biases ? random(b, random, channels) : null;
        for (int batch = 0; batch <= 5; batch++) {
            Tensor branch = random(b, random, batch, 1, in);
            Tensor residual = random(b, random, batch, 1, in);
            Tensor gate = random(b, random, batch, in);
            Tensor shift = batch == 3 ? null : random(b, random, batch, in);
            Tensor scale = batch == 3 ? null : random(b, random, batch, in);
            float[] start = random(random, batch * channels * 4);
            Tensor state = Tensor.of(b, Shape.of(batch, channels, 4), start);
            Tensor expectedState = Tensor.of(b, Shape.of(batch, channels, 4), start);
            try (Scope _ = Scope.inference()) {
                NormedSum sum = ResidualNormOp.rmsNorm(branch, gate, residual, normWeight, 1e-5f, shift, scale);
                Tensor[] got = LinearConvOp.linearConv(
                        sum, w, bias, layout.sizes, layout.convolved, convWeight, convBias, state, layout.silu);
                NormedSum alone = ResidualNormOp.rmsNorm(branch, gate, residual, normWeight, 1e-5f, shift, scale);
                Tensor[] expected = LinearConvOp.linearConv(
                        NormedSum.of(alone.normed()), w, bias, layout.sizes, layout.convolved, convWeight, convBias,
                        expectedState, layout.silu);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(got[i].shape()).isEqualTo(expected[i].shape());
                    assertThat(got[i].toFloats()).as("%s %s %d x %d, piece %d", b, format, batch, in, i)
                            .isEqualTo(expected[i].toFloats());
                }
                Tensor handedOut = sum.residual();
                assertThat(handedOut.toFloats()).isEqualTo(alone.residual().toFloats());
                assertThat(sum.normed().toFloats()).isEqualTo(alone.normed().toFloats());
                assertThat(sum.residual()).as("one that was handed out stays the one").isSameAs(handedOut);
                assertThat(state.toFloats()).isEqualTo(expectedState.toFloats());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void wrongShapesAreNamed(Backend b) {
        Tensor x = Tensor.zeros(b, Shape.of(2, 1, 8));
        Tensor w = Tensor.zeros(b, Shape.of(10, 8));
        Tensor convWeight = Tensor.zeros(b, Shape.of(5, 4));
        Tensor state = Tensor.zeros(b, Shape.of(2, 5, 4));
        int[] sizes = {3, 5, 2};
        assertThatThrownBy(
                () -> LinearConvOp.linearConv(NormedSum.of(x), w, null, new int[] {3, 5}, 1, convWeight, null, state,
                        true))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("expected");
        assertThatThrownBy(() -> LinearConvOp.linearConv(
                NormedSum.of(x), w, null, sizes, 1, Tensor.zeros(b, Shape.of(6, 4)), null, state, true))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("weight of shape (6, 4), expected");
        assertThatThrownBy(() -> LinearConvOp.linearConv(
                NormedSum.of(x), w, null, sizes, 1, convWeight, null, Tensor.zeros(b, Shape.of(1, 5, 4)), true))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("state of shape (1, 5, 4), expected");
        try (Scope _ = Scope.training()) {
            Tensor trained = Tensor.parameter(b, Shape.of(10, 8), new float[80]);
            assertThatThrownBy(() -> LinearConvOp.linearConv(
                    NormedSum.of(x), trained, null, sizes, 1, convWeight, null, state, true))
                    .isInstanceOf(IllegalStateException.class).hasMessageContaining("training scope");
        }
    }
}
