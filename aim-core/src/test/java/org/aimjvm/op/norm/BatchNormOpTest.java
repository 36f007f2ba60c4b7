package org.aimjvm.op.norm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Batch normalisation by hand; what depends on the batch, and what does not. */
@EverySimdWidth
class BatchNormOpTest {
    private static final float EPS = 1e-5f;

    static Stream<Backend> backends() {
        return TestBackends.available().stream();
    }

    private static Tensor vector(Backend b, float... values) {
        return Tensor.of(b, Shape.of(values.length), values);
    }

    private static float[] random(int n, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-3, 3);
        }
        return values;
    }

    /** Gradient of {@code sum of weights op(x)} at {@code x}. */
    private static float[] gradient(Tensor x, UnaryOperator<Tensor> op, float... weights) {
        try (Scope _ = Scope.training()) {
            Tensor p = Tensor.parameter(x.backend(), x.shape(), x.toFloats());
            Tensor y = op.apply(p);
            Tensor loss = ReduceOp.sum(ArithmeticOp.mul(y, Tensor.of(x.backend(), y.shape(), weights)));
            return loss.backward().of(p).toFloats();
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void statisticsAreThoseOfAChannelInAllPictures(Backend b) {
        // channel 0: 1, 3, 5, 7 (mean 4, variance 5); channel 1: -2, -2, 2, 2 (mean 0, variance 4)
        Tensor x = Tensor.of(b, Shape.of(2, 2, 1, 2), 1, 3, -2, -2, 5, 7, 2, 2);
        BatchNormOp.Normed n = BatchNormOp.batchNorm(x, vector(b, 1, 3), vector(b, 0, 10), 4);
        assertThat(n.mean().toFloats()).containsExactly(4, 0);
        assertThat(n.variance().toFloats()).containsExactly(5, 4);
        float[] expected = {-1, -1 / 3f, 0, 0, 1 / 3f, 1, 0, 0}; // channel 0: (x - 4) / sqrt(5 + 4)
        float channel1 = (float) (3 * 2 / Math.sqrt(8));
        expected[2] = expected[3] = 10 - channel1;
        expected[6] = expected[7] = 10 + channel1;
        assertThat(n.y().toFloats()).containsExactly(expected, offset(1e-6f));
        assertThat(n.y().shape()).isEqualTo(x.shape());
    }

    @ParameterizedTest
    @MethodSource("backends")
    void givenStatisticsAreUsedAsTheyAre(Backend b) {
        Tensor x = Tensor.of(b, Shape.of(1, 2, 1, 2), 1, 3, -2, 6);
        Tensor y = BatchNormOp.batchNorm(x, vector(b, 2, 1), vector(b, 1, 0), vector(b, 1, 2), vector(b, 3, 15), 1);
        assertThat(y.toFloats()).containsExactly(new float[] {1, 3, -1, 1}, offset(1e-6f));
        assertThat(gradient(
                x, p -> BatchNormOp.batchNorm(
                        p, vector(b, 2, 1), vector(b, 1, 0), vector(b, 1, 2), vector(b, 3, 15), 1),
                1, 2, 4, 8)).containsExactly(new float[] {1, 2, 1, 2}, offset(1e-6f)); // weight / sqrt(variance + eps)
    }

    /** The output of a channel has a mean and a square that nothing in x can change, so their gradients are zero. */
    @ParameterizedTest
    @MethodSource("backends")
    void gradientOfWhatTheNormTakesAwayIsZero(Backend b) {
        int channels = 5;
        Tensor x = Tensor.of(b, Shape.of(3, channels, 7, 5), random(3 * channels * 35, 1));
        Tensor weight = vector(b, random(channels, 2));
        Tensor bias = vector(b, random(channels, 3));
        float[] mean = new float[x.size()];
        Arrays.fill(mean, 1);
        assertThat(gradient(x, p -> BatchNormOp.batchNorm(p, weight, bias, 1e-9f).y(), mean))
                .containsExactly(new float[x.size()], offset(2e-6f));
        float[] ofSquare = BatchNormOp.batchNorm(x, vector(b, new float[] {1, 1, 1, 1, 1}),
                vector(b, new float[5]), 1e-9f).y().toFloats();
        assertThat(gradient(x, p -> BatchNormOp.batchNorm(p, weight, bias, 1e-9f).y(), ofSquare))
                .containsExactly(new float[x.size()], offset(1e-5f));
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aFarMeanDoesNotDrownTheVariance(Backend b) {
        // F32 next to 4096 is in steps of 2^-11 (below 2^-12): these values are exact, their squares in F32 are not
        float[] values = new float[2 * 33];
        for (int i = 0; i < values.length; i++) {
            values[i] = 4096 + (i % 2 == 0 ? 1 : -1) * 0x1p-8f;
        }
        Tensor x = Tensor.of(b, Shape.of(2, 1, 3, 11), values);
        BatchNormOp.Normed n = BatchNormOp.batchNorm(x, vector(b, 1), vector(b, 0), 0);
        assertThat(n.mean().toFloats()).containsExactly(4096);
        assertThat(n.variance().toFloats()).containsExactly(0x1p-16f);
        for (int i = 0; i < values.length; i++) {
            assertThat(n.y().toFloats()[i]).isEqualTo(i % 2 == 0 ? 1f : -1f);
        }
        assertThat(gradient(x, p -> BatchNormOp.batchNorm(p, vector(b, 1), vector(b, 0), 0).y(), n.y().toFloats()))
                .containsExactly(new float[x.size()], offset(1e-3f)); // of 256, the factor of each part
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aChannelOfEqualValuesIsItsBias(Backend b) {
        Tensor x = Tensor.of(b, Shape.of(2, 1, 1, 2), 7, 7, 7, 7);
        BatchNormOp.Normed n = BatchNormOp.batchNorm(x, vector(b, 3), vector(b, 0.5f), EPS);
        assertThat(n.y().toFloats()).containsExactly(0.5f, 0.5f, 0.5f, 0.5f);
        assertThat(n.variance().toFloats()).containsExactly(0);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void notANumberStaysInItsChannelAndIsNotLost(Backend b) {
        float[] values = random(2 * 3 * 35, 1);
        Tensor clean = BatchNormOp.batchNorm(
                Tensor.of(b, Shape.of(2, 3, 5, 7), values), vector(b, 1, 2, 3), vector(b, 0, 0, 0), EPS).y();
        values[35 + 17] = Float.NaN; // picture 0, channel 1
        float[] got = BatchNormOp.batchNorm(
                Tensor.of(b, Shape.of(2, 3, 5, 7), values), vector(b, 1, 2, 3), vector(b, 0, 0, 0), EPS).y().toFloats();
        for (int i = 0; i < got.length; i++) {
            if (i / 35 % 3 == 1) {
                assertThat(got[i]).as("element %d", i).isNaN();
            } else {
                assertThat(got[i]).as("element %d", i).isEqualTo(clean.toFloats()[i]);
            }
        }
    }

    /** A batch of the same pictures twice has the statistics of one; in evaluation each picture is by itself. */
    @ParameterizedTest
    @MethodSource("backends")
    void batches(Backend b) {
        int channels = 6;
        int size = channels * 13 * 11;
        float[] one = random(size, 1);
        float[] twice = Arrays.copyOf(one, 2 * size);
        System.arraycopy(one, 0, twice, size, size);
        Tensor weight = vector(b, random(channels, 2));
        Tensor bias = vector(b, random(channels, 3));
        Tensor alone = Tensor.of(b, Shape.of(1, channels, 13, 11), one);
        Tensor both = Tensor.of(b, Shape.of(2, channels, 13, 11), twice);
        BatchNormOp.Normed ofOne = BatchNormOp.batchNorm(alone, weight, bias, EPS);
        BatchNormOp.Normed ofTwo = BatchNormOp.batchNorm(both, weight, bias, EPS);
        assertThat(ofTwo.mean().toFloats()).isEqualTo(ofOne.mean().toFloats());
        assertThat(ofTwo.variance().toFloats()).isEqualTo(ofOne.variance().toFloats());
        assertThat(Arrays.copyOfRange(ofTwo.y().toFloats(), size, 2 * size)).isEqualTo(ofOne.y().toFloats());

        System.arraycopy(random(size, 9), 0, twice, 0, size); // another picture before it
        both = Tensor.of(b, Shape.of(2, channels, 13, 11), twice);
        Tensor mean = ofOne.mean();
        Tensor variance = ofOne.variance();
        UnaryOperator<Tensor> evaluation = x -> BatchNormOp.batchNorm(x, weight, bias, mean, variance, EPS);
        assertThat(Arrays.copyOfRange(evaluation.apply(both).toFloats(), size, 2 * size))
                .isEqualTo(evaluation.apply(alone).toFloats()).isEqualTo(ofOne.y().toFloats());
        float[] weights = random(2 * size, 4);
        assertThat(Arrays.copyOfRange(gradient(both, evaluation, weights), size, 2 * size))
                .isEqualTo(gradient(alone, evaluation, Arrays.copyOfRange(weights, size, 2 * size)));
    }

    @Test
    void refusesShapesThatDoNotFit() {
        Backend b = TestBackends.available().getFirst();
        Tensor x = Tensor.of(b, Shape.of(1, 2, 1, 2), 1, 2, 3, 4);
        Tensor two = vector(b, 1, 1);
        Tensor three = vector(b, 1, 1, 1);
        assertThatThrownBy(() -> BatchNormOp.batchNorm(x.reshape(2, 2), two, two, EPS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("batchNorm: x of shape").hasMessageContaining("expected 4 dimensions");
        assertThatThrownBy(() -> BatchNormOp.batchNorm(x, three, two, EPS))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("batchNorm: weight");
        assertThatThrownBy(() -> BatchNormOp.batchNorm(x, two, three, EPS)).hasMessageContaining("batchNorm: bias");
        assertThatThrownBy(() -> BatchNormOp.batchNorm(x, two, two, three, two, EPS))
                .hasMessageContaining("batchNorm: mean");
        assertThatThrownBy(() -> BatchNormOp.batchNorm(x, two, two, two, three, EPS))
                .hasMessageContaining("batchNorm: variance");
    }
}
