package org.aimjvm.op.norm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** One kernel where no gradient is tracked has the bits of the operations that a gradient needs. */
@Tag("backends")
class ResidualNormOpTest {
    static Stream<Backend> backends() {
        return TestBackends.available().stream();
    }

    private static Tensor random(Backend b, SplittableRandom random, int... dims) {
        float[] values = new float[Shape.of(dims).size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-2, 2);
        }
        return Tensor.of(b, Shape.of(dims), values);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void fusedHasTheBitsOfOneByOne(Backend b) {
        SplittableRandom random = new SplittableRandom(1);
        for (int[] s : new int[][] {{1, 1, 1}, {2, 3, 17}, {3, 1, 768}, {2, 5, 1536}}) {
            Tensor branch = random(b, random, s);
            Tensor residual = random(b, random, s);
            Tensor gate = random(b, random, s[0], s[2]);
            Tensor shift = random(b, random, s[0], s[2]);
            Tensor scale = random(b, random, s[0], s[2]);
            Tensor weight = random(b, random, s[2]);
            for (boolean modulated : new boolean[] {true, false}) {
                float[][] results = new float[4][];
                try (Scope _ = Scope.inference()) {
                    NormedSum r = ResidualNormOp.rmsNorm(
                            branch, gate, residual, weight, 1e-5f, modulated ? shift : null, modulated ? scale : null);
                    results[0] = r.residual().toFloats();
                    results[1] = r.normed().toFloats();
                }
                try (Scope _ = Scope.training()) {
                    NormedSum r = ResidualNormOp.rmsNorm(
                            branch, gate, residual, weight, 1e-5f, modulated ? shift : null, modulated ? scale : null);
                    results[2] = r.residual().toFloats();
                    results[3] = r.normed().toFloats();
                }
                assertThat(results[0]).isEqualTo(results[2]);
                assertThat(results[1]).isEqualTo(results[3]);
            }
        }
    }
}
