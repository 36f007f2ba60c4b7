package org.aimjvm.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.measure.StageOne.Losses;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.backend.Shape;
import org.aimjvm.vq.VqConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Steps of stage 1: what is counted of them, against figures made by hand; never how long they took. */
class StageOneTest {
    private static final int SIDE = 24;
    private static final int BATCH = 2;
    private static final int WIDTH = 8;
    private static final VqConfig CONFIG = VqConfig.builder()
            .ch(8)
            .chMult(List.of(1, 1))
            .numResBlocks(1)
            .zChannels(8)
            .nEmbed(16)
            .embedDim(4)
            .normGroups(4)
            .build();

    /** Forward and both gradients, but none of the pixels, and none through the search. */
    private static double tokenizer() {
        int codes = SIDE / 2;
        VqCost cost = VqCost.of(CONFIG, codes);
        double search = 2.0 * codes * codes * 16 * 4;
        double pixels = 2.0 * 9 * 3 * 8 * SIDE * SIDE;
        double turns = 2 * (2 + 2) * 2.0 * codes * codes * 4; // two inner products and two spreads a row, there and back
        return 3 * (cost.encode() - search + cost.decode()) + search + turns - pixels;
    }

    private static double vgg(int w) {
        double a = 2.0 * 9;
        return a * (3 * w + w * w) * 24 * 24
                + a * (w * 2 * w + 4.0 * w * w) * 12 * 12
                + a * (2.0 * w * 4 * w + 2 * 16.0 * w * w) * 6 * 6
                + a * (4.0 * w * 8 * w + 2 * 64.0 * w * w) * 3 * 3
                + a * 3 * 64.0 * w * w;
    }

    /** The sum over channels at each position and the mean over the positions. */
    private static double heads(int w) {
        return 2.0
                * (24 * 24 * (w + 1) + 12 * 12 * (2 * w + 1) + 6 * 6 * (4 * w + 1) + 3 * 3 * (8 * w + 1) + 8 * w + 1);
    }

    private static final double JUDGE_FIRST = 2.0 * 16 * 3 * WIDTH * 12 * 12;
    private static final double JUDGE = JUDGE_FIRST
            + 2.0 * 16 * WIDTH * WIDTH * (2 * 6 * 6 + 2 * 4 * 3 * 3 + 4 * 8 * 2 * 2)
            + 2.0 * 16 * 8 * WIDTH;
    /** At the decoder's last convolution, which computes the gradient of its input too. */
    private static final double LAST = 2 * 2.0 * 9 * 8 * 3 * SIDE * SIDE;

    private static double byHand(Losses losses) {
        double perceptual = switch (losses) {
            case RANDOM -> 3 * vgg(16) + 2 * heads(16); // pictures, reconstructions and back
            case LPIPS, ALL -> 3 * vgg(64) + 2 * heads(64);
            case FEATURES -> {
                double features = 2.0 * 9 * (3 * 32 * 24 * 24 + 32 * 64 * 12 * 12 + 64 * 128 * 6 * 6);
                double sums = 2.0 * (24 * 24 * 33 + 12 * 12 * 65 + 6 * 6 * 129);
                yield 3 * features + 2 * sums;
            }
            default -> 0;
        };
        double back = switch (losses) {
            case ALL -> vgg(64) + heads(64);
            default -> 0;
        };
        return switch (losses) {
            case ADVERSARIAL -> tokenizer() + 2 * JUDGE + 2 * (3 * JUDGE - JUDGE_FIRST);
            case ADAPTIVE, ALL -> tokenizer() + perceptual + 2 * JUDGE + 2 * (3 * JUDGE - JUDGE_FIRST) // and
                    + back + JUDGE + 2 * LAST; // both gradients at the last convolution
            default -> tokenizer() + perceptual;
        };
    }

    @ParameterizedTest
    @EnumSource
    void productsAndConvolutionsOfAStepAreCounted(Losses losses) {
        StageOne stage = new StageOne("tiny", CONFIG, SIDE, losses, WIDTH);
        StageOne.Steps steps = stage.measure(Backends.best(), BATCH, 0, 0);
        assertThat(steps.flops()).isEqualTo(BATCH * byHand(losses));
        assertThat(steps.seconds().count()).isGreaterThanOrEqualTo(TimedSteps.LEAST);
    }

    @Test
    void tensorsOfMorePicturesAndMoreLossesAreMore() {
        long alone = bytes(Losses.L2, 1);
        assertThat(alone).isGreaterThan(4 * 4L * new StageOne("tiny", CONFIG, SIDE, Losses.L2, WIDTH)
                .measure(Backends.best(), 1, 0, 0).parameters()); // weights, two moments, averages
        assertThat(bytes(Losses.L2, 2)).isBetween(alone, 2 * alone);
        assertThat(bytes(Losses.RANDOM, 1)).isGreaterThan(alone);
        assertThat(bytes(Losses.ADVERSARIAL, 1)).isGreaterThan(alone);
    }

    private static long bytes(Losses losses, int batch) {
        return new StageOne("tiny", CONFIG, SIDE, losses, WIDTH).measure(Backends.best(), batch, 0, 0).tensorBytes();
    }

    @Test
    void memoryThatIsHandedOutAgainCountsOnce() {
        CountedBackend counted = new CountedBackend(Backends.best());
        Backend backend = counted.backend();
        for (int outer = 0; outer < 2; outer++) {
            try (Scope _ = Scope.inference()) {
                Tensor.full(backend, Shape.of(10), 1f);
                for (int i = 0; i < 3; i++) {
                    try (Scope _ = Scope.inference()) {
                        Tensor x = Tensor.full(backend, Shape.of(2, 3), 1f);
                        Tensor y = Tensor.full(backend, Shape.of(2, 2), 0f);
                        backend.gemm().gemm(y.storage(), x.storage(), x.storage(), GemmShape.transposedB(2, 2, 3),
                                false);
                        assertThat(y.toFloats()).containsOnly(3f);
                    }
                }
            }
        }
        assertThat(counted.peakBytes()).isEqualTo(4 * (10 + 6 + 4));
        assertThat(counted.flops()).isEqualTo(2 * 3 * 2.0 * 2 * 2 * 3);
    }

    @Test
    void faultsOfKernelsComeAsTheyAre() {
        Backend backend = new CountedBackend(Backends.best()).backend();
        assertThat(backend.name()).isEqualTo(Backends.best().name());
        assertThatThrownBy(() -> backend.allocate(null, 1)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void theRowSaysWhatWasMeasured() {
        StageOne stage = new StageOne("tiny", CONFIG, SIDE, Losses.ADVERSARIAL, WIDTH);
        Measurement m = new Bench(new LimitMeter(1), 0.001).vqTrainStep(Backends.best(), stage, BATCH);
        assertThat(m.cost().flops()).isEqualTo(BATCH * byHand(Losses.ADVERSARIAL));
        assertThat(m.cost().tokens()).isEqualTo(BATCH * 12 * 12);
        JsonNode o = JsonMapper.shared().readTree(m.toJson("a backend"));
        assertThat(o.get("work").asString()).isEqualTo("vq-train-step");
        assertThat(o.get("losses").asString()).isEqualTo("adversarial");
        assertThat(o.get("tensor_bytes").longValue()).isEqualTo(m.tensorBytes()).isPositive();
        assertThat(o.get("pictures_per_second").doubleValue()).isEqualTo(BATCH / m.step().median());
    }

    @Test
    void presetsHaveNames() {
        assertThat(StageOne.Preset.names()).containsExactly("vq-f16", "vq-f4-ch16");
        assertThat(StageOne.Preset.of("vq-f16").with(Losses.ALL).side()).isEqualTo(256);
        assertThatThrownBy(() -> StageOne.Preset.of("vq-f2"))
                .hasMessage("preset: vq-f2 (expected one of vq-f16, vq-f4-ch16)");
    }
}
