package org.aimjvm.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.nn.BatchStatistics;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sizes and names of the discriminator, its start, and its view that is not trained. */
class PatchDiscriminatorTest {
    private static final Backend BACKEND = Backends.best();
    private static final PatchDiscriminator.Config PUBLISHED = new PatchDiscriminator.Config(3, 64, 3);
    private static final PatchDiscriminator.Config SMALL = new PatchDiscriminator.Config(3, 4, 2);

    private static PatchDiscriminator random(PatchDiscriminator.Config config) {
        return new PatchDiscriminator(Params.random(BACKEND, 1), config);
    }

    private static Tensor pictures(int batch, int side, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[batch * 3 * side * side];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return Tensor.of(BACKEND, Shape.of(batch, 3, side, side), values);
    }

    @Test
    void publishedSizeAndNames() {
        Params params = Params.shapesOnly();
        new PatchDiscriminator(params, PUBLISHED);
        assertThat(params.count()).isEqualTo(2_765_633);
        assertThat(params.weights().keySet()).containsExactly(
                "main.0.weight", "main.0.bias",
                "main.2.weight", "main.3.weight", "main.3.bias",
                "main.5.weight", "main.6.weight", "main.6.bias",
                "main.8.weight", "main.9.weight", "main.9.bias",
                "main.11.weight", "main.11.bias");
        assertThat(params.all()).hasSize(13 + 3 * 3);
        assertThat(params.all().get("main.0.weight").shape()).isEqualTo(Shape.of(64, 3, 4, 4));
        assertThat(params.all().get("main.8.weight").shape()).isEqualTo(Shape.of(512, 256, 4, 4));
        assertThat(params.all().get("main.11.weight").shape()).isEqualTo(Shape.of(1, 512, 4, 4));
        assertThat(params.all().get("main.9.running_var").shape()).isEqualTo(Shape.of(512));
    }

    @Test
    void channelsGrowEightfoldAtMost() {
        Params params = Params.shapesOnly();
        new PatchDiscriminator(params, new PatchDiscriminator.Config(1, 2, 6));
        assertThat(params.all().get("main.8.weight").shape()).isEqualTo(Shape.of(16, 8, 4, 4));
        assertThat(params.all().get("main.17.weight").shape()).isEqualTo(Shape.of(16, 16, 4, 4));
        assertThat(params.all().get("main.20.weight").shape()).isEqualTo(Shape.of(1, 16, 4, 4));
    }

    @ParameterizedTest
    @CsvSource({"256, 3, 30", "64, 3, 6", "32, 2, 6", "24, 3, 1", "12, 2, 1", "6, 1, 1", "192, 6, 1"})
    void eachLogitJudgesAPatch(int side, int layers, int logits) {
        PatchDiscriminator d = random(new PatchDiscriminator.Config(3, 2, layers));
        try (Scope _ = Scope.inference()) {
            assertThat(d.forward(pictures(1, side, 1)).shape()).isEqualTo(Shape.of(1, 1, logits, logits));
        }
    }

    @Test
    void theLeastSideIsTheLeast() {
        for (int layers = 1; layers <= 5; layers++) {
            PatchDiscriminator.Config config = new PatchDiscriminator.Config(3, 1, layers);
            assertThat(config.leastSide()).isEqualTo(3 << layers);
            PatchDiscriminator d = random(config);
            try (Scope _ = Scope.inference()) {
                assertThat(d.forward(pictures(1, config.leastSide(), 1)).size()).isEqualTo(1);
                assertThatThrownBy(() -> d.forward(pictures(1, config.leastSide() - 1, 1)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageStartingWith("conv2d: ");
            }
        }
    }

    @Test
    void anotherNumberOfChannelsIsRefused() {
        PatchDiscriminator d = random(new PatchDiscriminator.Config(1, 2, 1));
        assertThatThrownBy(() -> d.forward(pictures(1, 8, 1))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("conv2d: ");
    }

    @ParameterizedTest
    @CsvSource({"0, 64, 3", "-1, 64, 3", "3, 0, 3", "3, 1025, 3", "3, 64, 0", "3, 64, 7"})
    void configurationsThatCannotBe(int channels, int width, int layers) {
        assertThatThrownBy(() -> new PatchDiscriminator.Config(channels, width, layers))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("discriminator: channels " + channels + ", width " + width + ", layers " + layers
                        + " (expected at least 1, a width of at most 1024, and at most 6 layers)");
    }

    /** Convolutions N(0, 0.02) with zero biases, norms N(1, 0.02) and zero. */
    @Test
    void startsAsPublished() {
        Params params = Params.listing(1);
        new PatchDiscriminator(params, PUBLISHED);
        params.weights().keySet().forEach(name -> {
            float[] values = params.initialValues(name);
            if (name.endsWith(".bias")) {
                assertThat(values).as(name).containsOnly(0);
                return;
            }
            boolean norm = params.all().get(name).shape().rank() == 1;
            double mean = 0;
            for (float v : values) {
                mean += v / values.length;
            }
            double variance = 0;
            for (float v : values) {
                variance += (v - mean) * (v - mean) / values.length;
            }
            double tolerance = 0.02 * 4 / Math.sqrt(values.length); // four times what chance makes of a mean
            assertThat(mean).as(name).isCloseTo(norm ? 1 : 0, offset(tolerance));
            assertThat(Math.sqrt(variance)).as(name).isCloseTo(0.02, offset(tolerance));
        });
    }

    @Test
    void trainingSeesTheBatchAndEvaluationDoesNot() {
        PatchDiscriminator d = random(SMALL);
        Tensor two = pictures(2, 16, 1);
        Tensor first = Tensor.of(
                BACKEND, Shape.of(1, 3, 16, 16), Arrays.copyOf(two.toFloats(), 3 * 16 * 16));
        try (Scope _ = Scope.inference()) {
            int logits = d.forward(first).size();
            assertThat(Arrays.copyOf(d.forward(two).toFloats(), logits)).isEqualTo(d.forward(first).toFloats());
            BatchStatistics seen = new BatchStatistics();
            float[] alone = d.forward(first, seen).toFloats();
            assertThat(Arrays.copyOf(d.forward(two, seen).toFloats(), logits)).isNotEqualTo(alone);
            float[] before = d.forward(first).toFloats();
            seen.apply();
            assertThat(d.forward(first).toFloats()).isNotEqualTo(before);
        }
    }

    @Test
    void theConstantViewGivesThePicturesTheSameGradientAndTheWeightsNone() {
        PatchDiscriminator d = random(SMALL);
        PatchDiscriminator constant = d.constant();
        assertThat(constant.params().trainable()).isEmpty();
        assertThat(constant.params().all().keySet()).containsExactlyElementsOf(d.params().all().keySet());
        assertThat(constant.config()).isEqualTo(d.config());
        try (Scope _ = Scope.training()) {
            Tensor x = Tensor.parameter(BACKEND, Shape.of(2, 3, 16, 16), pictures(2, 16, 1).toFloats());
            Tensor loss = AdversarialLoss.HINGE.ofGenerator(d.forward(x, new BatchStatistics()));
            Tensor same = AdversarialLoss.HINGE.ofGenerator(constant.forward(x, new BatchStatistics()));
            assertThat(same.item()).isEqualTo(loss.item());
            Gradients all = loss.backward();
            Gradients ofPictures = same.backward();
            assertThat(ofPictures.of(x).toFloats()).isEqualTo(all.of(x).toFloats());
            d.params().trainable().forEach((name, t) -> {
                assertThat(all.contains(t)).as(name).isTrue();
                assertThat(ofPictures.contains(t)).as(name).isFalse();
            });
            constant.params().all().forEach((name, t) -> assertThat(ofPictures.contains(t)).as(name).isFalse());
        }
    }

    @Test
    void theConstantViewIsOnTheSameMemory() {
        PatchDiscriminator d = random(SMALL);
        PatchDiscriminator constant = d.constant();
        Tensor x = pictures(1, 16, 1);
        Tensor logits = d.params().all().get("main.8.weight");
        float[] doubled = logits.toFloats();
        for (int i = 0; i < doubled.length; i++) {
            doubled[i] *= 2;
        }
        try (Scope _ = Scope.inference()) {
            float before = ReduceOp.mean(constant.forward(x)).item();
            logits.write(doubled); // bias 0
            assertThat(ReduceOp.mean(constant.forward(x)).item()).isEqualTo(2 * before)
                    .isEqualTo(ReduceOp.mean(d.forward(x)).item());
        }
        d.params().all().forEach((name, t) -> assertThat(constant.params().all().get(name).storage()).as(name)
                .isSameAs(t.storage()));
    }
}
