package org.aimjvm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** Running statistics: when they move, by what, and in which order. */
class BatchNorm2dTest {
    private static final Backend BACKEND = Backends.best();

    private final Params params = Params.random(BACKEND, 1);

    private BatchNorm2d layer(String name, int channels) {
        return new BatchNorm2d(params.sub(name), channels, Init.ones());
    }

    private float[] values(String name) {
        return params.all().get(name).toFloats();
    }

    /** One picture of one channel. */
    private static Tensor pixels(float... values) {
        return Tensor.of(BACKEND, Shape.of(1, 1, 1, values.length), values);
    }

    @Test
    void startsAsAnIdentityWithStatisticsThatAreNotTrained() {
        BatchNorm2d norm = layer("n", 2);
        assertThat(params.all().keySet()).containsExactly(
                "n.weight", "n.bias", "n.running_mean", "n.running_var", "n.num_batches_tracked");
        assertThat(params.trainable().keySet()).containsExactly("n.weight", "n.bias");
        assertThat(values("n.running_mean")).containsExactly(0, 0);
        assertThat(values("n.running_var")).containsExactly(1, 1);
        assertThat(values("n.num_batches_tracked")).containsExactly(0);
        assertThat(params.all().get("n.num_batches_tracked").shape()).isEqualTo(Shape.of());
        Tensor x = Tensor.of(BACKEND, Shape.of(1, 2, 1, 2), 1, -2, 3, 0.5f);
        assertThat(norm.forward(x).toFloats())
                .containsExactly(new float[] {1, -2, 3, 0.5f}, offset(2e-5f)); // over sqrt(1 + 1e-5)
    }

    @Test
    void aPassMovesNothingUntilItsStatisticsAreApplied() {
        BatchNorm2d norm = layer("n", 1);
        BatchStatistics seen = new BatchStatistics();
        Tensor y = norm.forward(pixels(1, 3, 5, 7), seen); // mean 4, variance 5, of a sample 20 / 3
        float unit = (float) (1 / Math.sqrt(5 + 1e-5));
        assertThat(y.toFloats()).containsExactly(new float[] {-3 * unit, -unit, unit, 3 * unit}, offset(1e-6f));
        assertThat(values("n.running_mean")).containsExactly(0);
        assertThat(values("n.num_batches_tracked")).containsExactly(0);
        seen.apply();
        assertThat(values("n.running_mean")).containsExactly(new float[] {0.4f}, offset(1e-7f));
        assertThat(values("n.running_var")).containsExactly(new float[] {0.9f + 0.1f * 20 / 3}, offset(1e-6f));
        assertThat(values("n.num_batches_tracked")).containsExactly(1);
        seen.apply(); // nothing is left
        assertThat(values("n.num_batches_tracked")).containsExactly(1);
    }

    @Test
    void passesAreAppliedInTheirOrder() {
        BatchNorm2d norm = layer("n", 1);
        BatchNorm2d other = layer("other", 1);
        BatchStatistics seen = new BatchStatistics();
        norm.forward(pixels(10, 10), seen);
        other.forward(pixels(4, 4), seen);
        norm.forward(pixels(20, 20), seen);
        seen.apply();
        assertThat(values("n.running_mean")) // the later counts more: 15 * 0.19 would be 2.85
                .containsExactly(new float[] {0.9f * 0.1f * 10 + 0.1f * 20}, offset(1e-6f));
        assertThat(values("n.running_var")).containsExactly(new float[] {0.81f}, offset(1e-6f));
        assertThat(values("n.num_batches_tracked")).containsExactly(2);
        assertThat(values("other.running_mean")).containsExactly(new float[] {0.4f}, offset(1e-6f));
        assertThat(values("other.num_batches_tracked")).containsExactly(1);
    }

    @Test
    void whatIsForgottenMovesNothing() {
        BatchNorm2d norm = layer("n", 1);
        BatchStatistics seen = new BatchStatistics();
        norm.forward(pixels(10, 10), seen);
        seen.clear();
        seen.apply();
        assertThat(values("n.running_mean")).containsExactly(0);
        assertThat(values("n.num_batches_tracked")).containsExactly(0);
    }

    @Test
    void oneValueOfAChannelHasNoUnbiasedVariance() {
        BatchNorm2d norm = layer("n", 1);
        BatchStatistics seen = new BatchStatistics();
        assertThat(norm.forward(pixels(5), seen).toFloats()).containsExactly(0);
        seen.apply();
        assertThat(values("n.running_var")).containsExactly(new float[] {0.9f}, offset(1e-7f));
    }

    /** Two workers in their order, of which this one is the second. */
    @Test
    void workersMoveByTheMeanOfWhatTheySaw() {
        BatchNorm2d norm = layer("n", 1);
        BatchNorm2d wide = layer("wide", 2);
        BatchStatistics seen = new BatchStatistics();
        norm.forward(pixels(2, 4), seen); // mean 3, variance of a sample 2
        wide.forward(Tensor.of(BACKEND, Shape.of(1, 2, 1, 2), 1, 1, 5, 9), seen); // means 1, 7; variances 0, 8
        norm.forward(pixels(10, 10), seen); // mean 10, variance 0
        float[] theirs = {5, 4, 3, 1, 2, 10, -10, 6};
        AtomicReference<float[]> handed = new AtomicReference<>();
        seen.apply(mine -> {
            handed.set(mine.clone());
            float[] all = new float[2 * mine.length];
            System.arraycopy(theirs, 0, all, 0, theirs.length);
            System.arraycopy(mine, 0, all, theirs.length, mine.length);
            return all;
        });
        assertThat(handed.get()).containsExactly(3, 2, 1, 7, 0, 8, 10, 0);
        // means of both: 4, 3; 2, 4, 1, 9; 0, 3
        assertThat(values("n.running_mean")).containsExactly(new float[] {0.9f * 0.4f + 0.1f * 0}, offset(1e-6f));
        assertThat(values("n.running_var"))
                .containsExactly(new float[] {0.9f * (0.9f + 0.1f * 3) + 0.1f * 3}, offset(1e-6f));
        assertThat(values("wide.running_mean")).containsExactly(new float[] {0.2f, 0.4f}, offset(1e-6f));
        assertThat(values("wide.running_var"))
                .containsExactly(new float[] {0.9f + 0.1f, 0.9f + 0.9f}, offset(1e-6f));
        assertThat(values("n.num_batches_tracked")).containsExactly(2);
        assertThat(values("wide.num_batches_tracked")).containsExactly(1);
    }

    /** All workers compute the same from the same numbers, so that their statistics stay one; alone is alone. */
    @Test
    void allWorkersGetTheSameBitsAndOneAloneGetsItsOwn() {
        List<float[]> pictures = List.of(new float[] {0.1f, 0.7f, 1.3f}, new float[] {-3.1f, 0.2f, 9.7f});
        float[] all = new float[4];
        for (int rank = 0; rank < 2; rank++) {
            BatchStatistics seen = new BatchStatistics();
            layer("gather" + rank, 1).forward(pixels(pictures.get(rank)), seen);
            int at = 2 * rank;
            seen.apply(mine -> {
                System.arraycopy(mine, 0, all, at, 2);
                return mine;
            });
        }
        for (int rank = 0; rank < 2; rank++) {
            BatchStatistics seen = new BatchStatistics();
            layer("worker" + rank, 1).forward(pixels(pictures.get(rank)), seen);
            seen.apply(_ -> all.clone());
        }
        assertThat(values("worker0.running_mean")).isEqualTo(values("worker1.running_mean"));
        assertThat(values("worker0.running_var")).isEqualTo(values("worker1.running_var"))
                .isNotEqualTo(values("gather0.running_var"));

        BatchStatistics seen = new BatchStatistics();
        layer("alone", 1).forward(pixels(pictures.getFirst()), seen);
        seen.apply();
        assertThat(values("alone.running_mean")).isEqualTo(values("gather0.running_mean"));
        assertThat(values("alone.running_var")).isEqualTo(values("gather0.running_var"));
    }

    @Test
    void nothingSeenIsNothingMoved() {
        layer("n", 1);
        BatchStatistics seen = new BatchStatistics();
        seen.apply(mine -> mine);
        assertThat(values("n.num_batches_tracked")).containsExactly(0);
    }
}
