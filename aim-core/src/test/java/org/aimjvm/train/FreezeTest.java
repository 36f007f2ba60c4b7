package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.WeightsCopy;
import org.aimjvm.data.CodeExtractor;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimFreeze;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.TinyRuns.Recorder;
import org.aimjvm.vq.VqFreeze;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frozen parts keep their bits, cost no gradient, and are in every file; all else is trained. */
class FreezeTest {
    @TempDir Path folder;

    private static VqModel tokenizer(String... parts) {
        return TinyRuns.vqModel(Params.random(TinyRuns.BACKEND, 4).freezing(new VqFreeze(List.of(parts))));
    }

    private static AimModel sequenceModel(String... parts) {
        AimModel free = TinyRuns.lmModel(TinyRuns.BACKEND);
        Params params = Params.random(TinyRuns.BACKEND, 3).freezing(new AimFreeze(List.of(parts), free.config()));
        AimModel model = new AimModel(params.sub(AimModel.NAME), free.config(), PositionRule.SEQUENCE_INDEX);
        model.params().all().forEach((name, t) -> { // gates that start as 0 would keep gradients from the blocks
            float[] values = t.toFloats();
            if (name.contains("adaLN_modulation")) {
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) (0.1 * Math.sin(i + name.length()));
                }
                t.write(values);
            }
        });
        return model;
    }

    private static VqOptions vqOptions(int steps) {
        return VqOptions.builder(TinyRuns.recipe(steps, 4, 1, 3e-3)).reviveAfter(1).build();
    }

    private static VqTrainer trainer(VqModel model, int steps, RunOptions run, Recorder recorder) {
        return new VqTrainer(model, TinyRuns.squares(12), null, vqOptions(steps), run, recorder);
    }

    private static Map<String, float[]> copy(Map<String, Tensor> tensors) {
        Map<String, float[]> values = new LinkedHashMap<>();
        tensors.forEach((name, t) -> values.put(name, t.toFloats()));
        return values;
    }

    private static void assertMoved(Params params, Map<String, float[]> before) {
        assertThat(params.frozen()).isNotEmpty();
        params.frozen().forEach((name, t) -> assertThat(t.toFloats()).as(name).isEqualTo(before.get(name)));
        params.trainable().forEach((name, t) -> assertThat(t.toFloats()).as(name).isNotEqualTo(before.get(name)));
        assertThat(params.weights()).hasSize(params.frozen().size() + params.trainable().size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"encoder", "codebook", "decoder", "quant_conv", "post_quant_conv", "encoder,codebook"})
    void frozenPartsOfATokenizerKeepTheirBitsAndTheOthersMove(String parts) {
        VqModel model = tokenizer(parts.split(","));
        Map<String, float[]> before = copy(model.params().weights());
        Recorder recorder = new Recorder();
        assertThat(trainer(model, 3, RunOptions.NONE, recorder).run()).isTrue();
        assertMoved(model.params(), before);
    }

    @Test
    void aPictureKeepsItsCodesWhenEncoderAndCodebookAreFrozen() {
        VqModel model = tokenizer("encoder", "codebook");
        float[] pixels = new float[64];
        TinyRuns.squares(3).read(1, 0, pixels, 0);
        Tensor x = Tensor.of(TinyRuns.BACKEND, Shape.of(1, 1, 8, 8), pixels);
        int[] before = model.encode(x).toInts();
        String fingerprint = new CodeExtractor(model).tokenizerFingerprint();
        assertThat(fingerprint).isEqualTo(new CodeExtractor(tokenizer("decoder")).tokenizerFingerprint());
        trainer(model, 5, RunOptions.NONE, new Recorder()).run();
        assertThat(model.encode(x).toInts()).isEqualTo(before);
        assertThat(new CodeExtractor(model).tokenizerFingerprint()).isNotEqualTo(fingerprint);
    }

    @Test
    void noGradientIsComputedForWhatIsFrozen() {
        VqModel model = tokenizer("encoder", "codebook");
        try (Scope _ = Scope.training()) {
            Tensor x = Tensor.full(TinyRuns.BACKEND, Shape.of(2, 1, 8, 8), 0.5f);
            assertThat(model.latents(x).needsGrad()).isFalse(); // nothing of the encoder is on the tape
            Gradients all =
                    new VqLosses(model, vqOptions(1), null, null).of(x, new MicroBatch(0, 0, 0, new int[2])).loss()
                            .backward();
            model.params().frozen().forEach((name, t) -> {
                assertThat(t.needsGrad()).as(name).isFalse();
                assertThat(all.contains(t)).as(name).isFalse();
            });
            model.params().trainable().forEach((name, t) -> assertThat(all.contains(t)).as(name).isTrue());
        }
    }

    @Test
    void checkpointsHoldAllWeightsAndOptimizersOnlyThoseThatMove() {
        VqModel model = tokenizer("encoder", "codebook");
        Map<String, float[]> before = copy(model.params().weights());
        RunOptions run = new RunOptions(folder.resolve("run"), 3, 1, 0, 0, 0);
        trainer(model, 3, run, new Recorder()).run();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        Set<String> frozen = model.params().frozen().keySet();
        for (WeightsCopy copy : WeightsCopy.values()) {
            try (ModelFolder written = ModelFolder.open(checkpoint.toString(), copy)) {
                Map<String, Tensor> read = written.readTokenizer(TinyRuns.BACKEND).params().weights();
                frozen.forEach(name -> assertThat(read.get(name).toFloats()).isEqualTo(before.get(name)));
                String free = "vqvae.decoder.conv_out.weight";
                float[] trained = model.params().all().get(free).toFloats();
                assertThat(Arrays.equals(read.get(free).toFloats(), trained)).isEqualTo(copy == WeightsCopy.MODEL);
            }
        }
        try (TensorSource moments = SafeTensors.open(checkpoint.resolve(RunFolder.OPTIMIZER))) {
            assertThat(moments.names()).hasSize(2 * model.params().trainable().size())
                    .allMatch(name -> model.params().trainable().containsKey(name.replaceFirst("exp_avg(_sq)?.", "")));
        }
    }

    @Test
    void aRunWithFrozenPartsIsContinuedBitwiseAndOnlyWithTheSameOnes() {
        Recorder whole = new Recorder();
        trainer(tokenizer("encoder"), 6, RunOptions.NONE, whole).run();
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 2, 0, 0, 0);
        Recorder first = new Recorder();
        VqTrainer stopped = trainer(tokenizer("encoder"), 6, run, first);
        first.stopAfter = stopped;
        first.stopStep = 2;
        stopped.run();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        Recorder second = new Recorder();
        VqTrainer resumed = trainer(tokenizer("encoder"), 6, run, second);
        resumed.resume(checkpoint);
        resumed.run();
        assertThat(first.losses()).isEqualTo(whole.losses().subList(0, 2));
        assertThat(second.losses()).isEqualTo(whole.losses().subList(2, 6));
        assertThatThrownBy(() -> trainer(tokenizer("decoder"), 6, run, second).resume(checkpoint))
                .isInstanceOf(CheckpointException.class)
                .hasMessageMatching(
                        "(?s).*frozen: \"\\d+ tensors, #[0-9a-f]+\" in the checkpoint, \"\\d+ .*asked for.*");
        assertThatThrownBy(() -> trainer(TinyRuns.vqModel(TinyRuns.vqParams()), 6, run, second).resume(checkpoint))
                .hasMessageContaining("in the checkpoint, none asked for");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "words", "positions", "embeddings", "classes", "conditioning", "blocks", "blocks=1", "blocks=0-1,classes"
    })
    void frozenPartsOfASequenceModelKeepTheirBitsAndTheOthersMove(String parts) {
        AimModel model = sequenceModel(parts.split(","));
        AimModel recomputed = sequenceModel(parts.split(","));
        Map<String, float[]> before = copy(model.params().weights());
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            LmOptions o = new LmOptions(TinyRuns.recipe(3, 4, 2, 3e-3), 0.2, 6, false);
            Recorder recorder = new Recorder();
            new LmTrainer(model, codes, null, o, RunOptions.NONE, recorder).run();
            Recorder again = new Recorder();
            LmOptions less = new LmOptions(o.recipe(), o.labelDropout(), o.heldOut(), true);
            new LmTrainer(recomputed, codes, null, less, RunOptions.NONE, again).run();
            assertThat(again.losses()).isEqualTo(recorder.losses());
        }
        assertMoved(model.params(), before);
        assertThat(copy(recomputed.params().weights())).usingRecursiveComparison()
                .isEqualTo(copy(model.params().weights()));
    }

    @Test
    void theLossOfTheFirstStepIsThatOfAFreeModel() {
        Recorder free = new Recorder();
        trainer(TinyRuns.vqModel(TinyRuns.vqParams()), 1, RunOptions.NONE, free).run();
        Recorder frozen = new Recorder();
        trainer(tokenizer("encoder", "codebook"), 1, RunOptions.NONE, frozen).run();
        assertThat(frozen.losses()).isEqualTo(free.losses());
        assertThat(frozen.steps.getFirst().gradNorm()).isLessThan(free.steps.getFirst().gradNorm());
    }

    @Test
    void waysToMoveAFrozenCodebookAreRefused() {
        CodebookOptions clusters = new CodebookOptions(
                CodebookOptions.Start.KMEANS, 0, 0.5, CodebookOptions.DEFAULT.gradient(), false);
        VqOptions options = VqOptions.builder(TinyRuns.recipe(1, 4, 1, 3e-3)).codebook(clusters).build();
        assertThatThrownBy(() -> new VqTrainer(
                tokenizer("codebook"), TinyRuns.squares(12), null, options, RunOptions.NONE, new Recorder()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("codebook: frozen, but the run would begin with other codes");
        CodebookOptions projected = new CodebookOptions(
                CodebookOptions.Start.UNIFORM, 0, 0, CodebookOptions.DEFAULT.gradient(), true);
        VqOptions begun = VqOptions.builder(TinyRuns.recipe(1, 4, 1, 3e-3)).codebook(projected)
                .origin(new Origin("model", "0".repeat(64), "")).build();
        assertThatThrownBy(() -> new VqTrainer(
                tokenizer("decoder"), TinyRuns.squares(12), null, begun, RunOptions.NONE, new Recorder()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("codebook: projected codes begin at random, but the run begins from model");
        AdversarialOptions d = AdversarialOptions.of(1e-3);
        AdversarialOptions adaptive = new AdversarialOptions(
                d.loss(), d.weight(), 0, 0, true, 4, 1, d.optimizer(), 0, d.augment(), 0);
        VqOptions adversarial = VqOptions.builder(TinyRuns.recipe(1, 4, 1, 3e-3)).adversarial(adaptive).build();
        assertThatThrownBy(() -> new VqTrainer(
                tokenizer("decoder"), TinyRuns.squares(12), null, adversarial, RunOptions.NONE, new Recorder()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("adaptive weight: the decoder's last convolution, at which it is measured, is");
    }

    @Test
    void unknownPartsAndNothingLeftToTrainAreRefused() {
        assertThatThrownBy(() -> new VqFreeze(List.of("encoders")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("freeze: encoders (expected parts of a tokenizer: codebook, decoder, encoder, "
                        + "post_quant_conv, quant_conv)");
        assertThatThrownBy(() -> new VqFreeze(List.of("decoder", "codebook", "encoder")))
                .hasMessageStartingWith("freeze: decoder,codebook,encoder is all there is");
        VqModel all = TinyRuns.vqModel(Params.random(TinyRuns.BACKEND, 4).freezing((_, _) -> true));
        assertThatThrownBy(() -> trainer(all, 1, RunOptions.NONE, new Recorder()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching("tokenizer: all \\d+ tensors are frozen \\(expected one at least to train\\)");
        for (String wrong : List.of("blocks=2", "blocks=1-0", "blocks=0-2", "blocks=x", "blocks=", "block", "")) {
            assertThatThrownBy(() -> sequenceModel(wrong)).as(wrong).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("freeze: " + wrong + " (expected ");
        }
        assertThatThrownBy(() -> sequenceModel("head")).hasMessageContaining("tied to the table of codes");
    }
}
