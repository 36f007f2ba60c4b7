package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.data.ArrayPictures;
import org.aimjvm.data.CodeRegenerator;
import org.aimjvm.data.EpochSampler;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.PictureViews;
import org.aimjvm.data.Pictures;
import org.aimjvm.data.Shard;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.feature.Lpips;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.TinyRuns.Recorder;
import org.aimjvm.vq.AdversarialLoss;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqFreeze;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A decoder that is trained alone, on codes as a sequence model draws them. */
class DecoderTrainerTest {
    private static final int STEPS = 8;
    private static final Backend BACKEND = Backends.open(TinyRuns.BACKEND.name(), 1);
    private static final PictureSource PICTURES = new PictureViews(bars(12), 30, 5);
    private static final ModelInfo INFO =
            ModelInfo.of(PICTURES.classNames(), PositionRule.SEQUENCE_INDEX, Recipe.NONE);

    @TempDir private static Path shared;
    @TempDir private Path folder;

    @BeforeAll
    static void draw() {
        AimConfig config = AimConfig.mamba2(64, 1, 0).withData(16, 16, 3);
        AimModel model = new AimModel(
                Params.random(BACKEND, 3).sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
        CodeRegenerator regenerator = new CodeRegenerator(
                model, tokenizer("encoder"), "weights", new int[] {0, 1, 2},
                new CodeRegenerator.Options(0.7, Guidance.NONE, SamplingOptions.PLAIN, 1));
        regenerator.regenerate(PICTURES, shared.resolve("train"), 8, _ -> {});
        regenerator.regenerate(bars(9), shared.resolve("validation"), 8, _ -> {});
    }

    /** Grey pictures of 16 x 16 with a bright bar at a place that depends on the class. */
    private static ArrayPictures bars(int count) {
        SplittableRandom random = new SplittableRandom(count);
        float[] pixels = new float[count * 256];
        int[] labels = IntStream.range(0, count).map(i -> i % 3).toArray();
        for (int i = 0; i < pixels.length; i++) {
            boolean bar = i % 16 / 4 == labels[i / 256];
            pixels[i] = (bar ? 0.8f : -0.7f) + 0.1f * (float) random.nextDouble();
        }
        return new ArrayPictures(1, 16, 16, List.of("left", "middle", "right"), labels, pixels);
    }

    private static VqModel tokenizer(String... frozen) {
        Params params = Params.random(BACKEND, 4).freezing(new VqFreeze(List.of(frozen)));
        return new VqModel(
                params.sub(VqModel.NAME), VqConfig.builder().ch(8).chMult(List.of(1, 1, 2)).numResBlocks(1).zChannels(8)
                        .nEmbed(16).embedDim(4).channels(1, 1).normGroups(4).build());
    }

    private static CodePairs train() {
        return new CodePairs(PICTURES, TokenDataset.open(shared.resolve("train")));
    }

    private static CodePairs validation() {
        return new CodePairs(bars(9), TokenDataset.open(shared.resolve("validation")));
    }

    private static VqOptions.Builder plain(int steps) {
        return VqOptions.builder(TinyRuns.recipe(steps, 6, 1, 3e-3));
    }

    private static VqOptions everything(int accumulation) {
        AdversarialOptions adversarial = new AdversarialOptions(
                AdversarialLoss.HINGE, 0.3, 1, 2, true, 8, 1,
                new AdamWOptions(2e-3, 0.5, 0.9, 1e-8, 0, AdamWOptions.DecayRule.NONE, 1), 0.05,
                EnumSet.allOf(DiffAugment.Kind.class), 4);
        return VqOptions.builder(TinyRuns.recipe(STEPS, 6, accumulation, 3e-3))
                .adversarial(adversarial)
                .perceptual(new PerceptualTerm(Lpips.random(BACKEND, 4, 7), 0.5, 2))
                .build();
    }

    private static DecoderTrainer trainer(VqModel model, VqOptions options, RunOptions run, Recorder recorder) {
        return new DecoderTrainer(model, train(), validation(), options, INFO, run, Workers.ALONE, recorder);
    }

    private static VqModel decoderAlone() {
        return tokenizer("encoder", "codebook");
    }

    @Test
    void theDecoderMovesAndNothingElse() {
        VqModel model = decoderAlone();
        Map<String, float[]> before = new LinkedHashMap<>();
        model.params().all().forEach((name, t) -> before.put(name, t.toFloats()));
        assertThat(trainer(model, everything(1), RunOptions.NONE, new Recorder()).run()).isTrue();
        model.params().all().forEach((name, t) -> {
            boolean ofDecoder = name.startsWith("vqvae.decoder.") || name.startsWith("vqvae.post_quant_conv.");
            assertThat(Arrays.equals(t.toFloats(), before.get(name))).as(name).isEqualTo(!ofDecoder);
        });
    }

    @Test
    void theLossIsThatBetweenPicturesAndDecodedCodes() {
        VqModel model = decoderAlone();
        Recorder recorder = new Recorder();
        trainer(model, plain(1).build(), RunOptions.NONE, recorder).run();
        assertThat(recorder.steps.getFirst().parts().keySet()).containsExactly("reconstruction");
        VqModel start = decoderAlone();
        int[] rows = new EpochSampler(30, 6, 5).indices(0, Shard.ALL);
        try (Scope _ = Scope.inference()) {
            float[] x = Pictures.batch(BACKEND, PICTURES, rows, new long[6]).toFloats();
            int[] codes = train().codes(rows);
            float[] y = start.decode(Tensor.ofInts(BACKEND, Shape.of(codes.length), codes), 6, 4, 4).toFloats();
            double sum = 0;
            for (int i = 0; i < x.length; i++) {
                sum += (x[i] - y[i]) * (double) (x[i] - y[i]);
            }
            assertThat(recorder.steps.getFirst().loss()).isCloseTo(sum / x.length, offset(1e-6));
        }
    }

    @Test
    void termsAddUp() {
        Recorder recorder = new Recorder();
        trainer(decoderAlone(), everything(1), RunOptions.NONE, recorder).run();
        Map<String, Double> all = recorder.steps.getLast().parts();
        double sum = all.get("reconstruction") + 0.5 * all.get("perceptual")
                + 0.3 * all.get("adaptive_weight") * all.get("adversarial");
        assertThat(recorder.steps.getLast().loss()).isCloseTo(sum, offset(1e-5));
        assertThat(all).containsKeys("logits_real", "lecam", "discriminator_loss").doesNotContainKey("codebook");
    }

    @Test
    void unseenPairsGetBetterAndAreMeasuredBefore() {
        VqModel model = decoderAlone();
        Recorder recorder = new Recorder();
        DecoderTrainer trainer = trainer(model, plain(60).build(), new RunOptions(null, 0, 1, 60, 0, 0), recorder);
        Map<String, Double> before = trainer.validate(0);
        assertThat(before.keySet()).containsExactly("loss", "psnr", "reconstruction_psnr");
        trainer.run();
        Map<String, Double> after = recorder.validations.getLast();
        assertThat(after).isEqualTo(trainer.validate(0));
        assertThat(after.get("loss")).isLessThan(before.get("loss"));
        assertThat(after.get("psnr")).isGreaterThan(before.get("psnr") + 1);
        assertThat(after.get("reconstruction_psnr")).isGreaterThan(before.get("reconstruction_psnr") + 1);
        assertThat(trainer.validate(4)).isNotEqualTo(after);
    }

    @Test
    void resumedRunHasBitwiseTheLossesOfAnUnbrokenOne() {
        Recorder whole = new Recorder();
        VqModel unbroken = decoderAlone();
        trainer(unbroken, everything(2), RunOptions.NONE, whole).run();
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        Recorder first = new Recorder();
        DecoderTrainer stopped = trainer(decoderAlone(), everything(2), run, first);
        first.stopAfter = stopped;
        first.stopStep = 5;
        assertThat(stopped.run()).isFalse();
        Recorder second = new Recorder();
        VqModel model = decoderAlone();
        DecoderTrainer resumed = trainer(model, everything(2), run, second);
        resumed.resume(RunFolder.latest(run.folder()).orElseThrow());
        assertThat(resumed.run()).isTrue();
        assertThat(second.losses()).isEqualTo(whole.losses().subList(5, STEPS));
        assertThat(second.steps.getLast().parts()).isEqualTo(whole.steps.getLast().parts());
        model.params().all().forEach((name, t) -> assertThat(t.toFloats()).as(name)
                .isEqualTo(unbroken.params().all().get(name).toFloats()));
    }

    @Test
    void aRunIsContinuedOnItsOwnPairsOnly() {
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        trainer(decoderAlone(), plain(2).build(), run, new Recorder()).run();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        DecoderTrainer other = new DecoderTrainer(
                decoderAlone(), validation(), null, plain(2).build(), INFO, run, Workers.ALONE, new Recorder());
        assertThatThrownBy(() -> other.resume(checkpoint)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("data");
        VqTrainer tokenizer = new VqTrainer(
                decoderAlone(), bars(30), null, plain(2).build(), run, new Recorder());
        assertThatThrownBy(() -> tokenizer.resume(checkpoint)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("decoder");
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> trainer(tokenizer("encoder"), plain(1).build(), RunOptions.NONE, new Recorder()))
                .hasMessage("freeze: vqvae.quantize.embedding.weight would be trained (expected encoder and codebook"
                        + " frozen: the codes are given)");
        assertThatThrownBy(() -> trainer(
                decoderAlone(), plain(1).reviveAfter(3).build(), RunOptions.NONE, new Recorder()))
                .hasMessageStartingWith("codebook: ").hasMessageEndingWith(
                        "(expected the default: a decoder's training moves no codes)");
        TokenDataset codes = train().codes() instanceof TokenDataset set ? set : null;
        assertThatThrownBy(() -> new CodePairs(bars(12), codes)).hasMessage(
                "codes: of 30 pictures, 1 of each (expected of 12, one of each, as there are pictures)");
        assertThatThrownBy(() -> new CodePairs(bars(30), codes))
                .hasMessageMatching("codes: label \\d in row \\d+ \\(expected \\d, the picture's\\)");
        TokenDataset six = TinyRuns.codes(folder.resolve("six"), 9, 1);
        int[] labels = new int[9];
        Arrays.setAll(labels, six::label);
        ArrayPictures pictures = new ArrayPictures(1, 8, 8, PICTURES.classNames(), labels, new float[9 * 64]);
        assertThatThrownBy(() -> new DecoderTrainer(
                decoderAlone(), new CodePairs(pictures, six), null, plain(1).build(), INFO, RunOptions.NONE,
                Workers.ALONE, new Recorder())).hasMessage("vocab: 7 (expected 16, the tokenizer's codes)");
    }
}
