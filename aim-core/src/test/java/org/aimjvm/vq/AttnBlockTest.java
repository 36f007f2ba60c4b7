package org.aimjvm.vq;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention of large pictures, whose scores are made in blocks. */
@EverySimdWidth
class AttnBlockTest {
    private static final Offset<Float> CLOSE = Offset.offset(2e-6f);
    private static final int BATCH = 2;
    private static final int CHANNELS = 5;
    private static final int AREA = 37;

    static List<Backend> backends() {
        return TestBackends.available();
    }

    private static Tensor random(Backend backend, long seed) {
        float[] values = new float[BATCH * CHANNELS * AREA];
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return Tensor.parameter(backend, Shape.of(BATCH, CHANNELS, AREA), values);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void blocksOfQueriesGiveTheWholeAttention(Backend backend) {
        try (Scope _ = Scope.inference()) {
            Tensor q = random(backend, 1);
            Tensor k = random(backend, 2);
            Tensor v = random(backend, 3);
            float[] whole = AttnBlock.attend(q, k, v, Integer.MAX_VALUE).toFloats();
            for (int block : new int[] {1, 2, 7, 36}) {
                float[] blocks = AttnBlock.attend(q, k, v, block * BATCH * AREA).toFloats();
                assertThat(blocks).containsExactly(whole, CLOSE);
            }
            assertThat(AttnBlock.attend(q, k, v, 1).toFloats()).containsExactly(whole, CLOSE);
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void gradientsOfBlocksAreThoseOfTheWhole(Backend backend) {
        List<float[]> whole = gradients(backend, Integer.MAX_VALUE);
        List<float[]> blocks = gradients(backend, 7 * BATCH * AREA);
        for (int i = 0; i < 3; i++) {
            assertThat(blocks.get(i)).containsExactly(whole.get(i), CLOSE);
        }
    }

    private static List<float[]> gradients(Backend backend, int maxScores) {
        try (Scope _ = Scope.training()) {
            List<Tensor> inputs = List.of(random(backend, 1), random(backend, 2), random(backend, 3));
            Tensor y = AttnBlock.attend(inputs.get(0), inputs.get(1), inputs.get(2), maxScores);
            Gradients gradients = ReduceOp.mean(PointwiseOp.square(y)).backward();
            return inputs.stream().map(x -> gradients.of(x).toFloats()).toList();
        }
    }
}
