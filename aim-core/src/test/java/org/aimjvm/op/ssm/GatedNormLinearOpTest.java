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
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.op.norm.GatedRmsNormOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever a backend does in one launch has the bits of the operations one by one. */
@Tag("backends")
class GatedNormLinearOpTest {
    static Stream<Backend> backends() {
        return TestBackends.available().stream();
    }

    private static float[] random(SplittableRandom random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-2, 2);
        }
        return values;
    }

    private static Tensor random(Backend b, SplittableRandom random, int... dims) {
        return Tensor.of(b, Shape.of(dims), random(random, Shape.of(dims).size()));
    }

    @ParameterizedTest
    @MethodSource("backends")
    void oneLaunchHasTheBitsOfOneByOne(Backend b) {
        // in, groups, out
        int[][] sizes = {{64, 1, 5}, {96, 3, 33}, {1536, 2, 17}, {3072, 1, 40}, {4352, 1, 9}, {36, 1, 4}};
        SplittableRandom random = new SplittableRandom(4);
        for (WeightFormat format : WeightFormat.values()) {
            for (int[] s : sizes) {
                int in = s[0];
                int out = s[2];
                if (format == WeightFormat.INT4 && in % 32 != 0) {
                    continue;
                }
                float[] ws = random(random, out * in);
                Tensor w = Tensor.weights(b, new WeightMatrix.Floats(out, in, WeightFormat.F32, () -> ws), format);
                Tensor normWeight = random(b, random, in);
                Tensor bias = random(b, random, out);
                for (int rows = 0; rows <= 5; rows++) {
                    Tensor x = random(b, random, rows, 1, in);
                    Tensor z = random(b, random, rows, 1, in);
                    for (boolean normFirst : new boolean[] {false, true}) {
                        try (Scope _ = Scope.inference()) {
                            Tensor added = normFirst ? bias : null;
                            Tensor got = GatedNormLinearOp.gatedNormLinear(
                                    x, z, normWeight, s[1], normFirst, 1e-5f, w, added);
                            Tensor expected = LinearOp.linear(
                                    GatedRmsNormOp.gatedRmsNorm(x, z, normWeight, s[1], normFirst, 1e-5f), w, added);
                            assertThat(got.shape()).isEqualTo(expected.shape());
                            assertThat(got.toFloats()).as("%s %s %s -> %d", b, format, x.shape(), out)
                                    .isEqualTo(expected.toFloats());
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void wrongShapesAreNamed(Backend b) {
        Tensor x = Tensor.zeros(b, Shape.of(2, 1, 8));
        Tensor w = Tensor.weights(b, new WeightMatrix.Floats(3, 8, WeightFormat.F32, () -> new float[24]),
                WeightFormat.F32);
        Tensor normWeight = Tensor.zeros(b, Shape.of(8));
        assertThatThrownBy(() -> GatedNormLinearOp.gatedNormLinear(
                x, Tensor.zeros(b, Shape.of(2, 1, 7)), normWeight, 1, false, 1e-5f, w, null))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("z of shape (2, 1, 7), expected");
        assertThatThrownBy(() -> GatedNormLinearOp.gatedNormLinear(
                x, x, Tensor.zeros(b, Shape.of(9)), 1, false, 1e-5f, w, null))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("weight of shape (9), expected (8)");
        assertThatThrownBy(() -> GatedNormLinearOp.gatedNormLinear(
                x, x, normWeight, 3, false, 1e-5f, w, null))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("groups 3");
    }
}
