package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Percentage.withPercentage;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.Backends;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.data.CodeSource;
import org.aimjvm.data.Sampling;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.data.TokenDatasetInfo;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.train.TinyRuns.Recorder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LmTrainerTest {
    @TempDir Path folder;

    private static LmOptions options(int steps, int accumulation) {
        return new LmOptions(TinyRuns.recipe(steps, 4, accumulation, 3e-3), 0.2, 6, false);
    }

    private Recorder run(TokenDataset codes, LmOptions options, RunOptions run) {
        Recorder recorder = new Recorder();
        assertThat(TinyRuns.lm(codes, options, run, recorder).run()).isTrue();
        return recorder;
    }

    @Test
    void lossFallsAndAllIsReported() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            Recorder r = run(codes, options(40, 1), new RunOptions(folder.resolve("run"), 16, 2, 20, 0, 40));
            assertThat(r.losses().getFirst()).isBetween(1.7, 2.3); // ln 7 = 1.95
            assertThat(r.validations.getLast().get("loss")).isLessThan(1.4);
            assertThat(r.events)
                    .containsExactly(
                            "start 0 of 40", "epoch 0", "epoch 1", "checkpoint 16", "validation 20", "epoch 2",
                            "epoch 3",
                            "checkpoint 32", "epoch 4", "validation 40", "sample 40", "checkpoint 40");
            assertThat(RunFolder.all(folder.resolve("run")))
                    .extracting(p -> p.getFileName().toString())
                    .containsExactly("step-00000032", "step-00000040");
            LmTrainer trainer = TinyRuns.lm(codes, options(40, 1), RunOptions.NONE, r);
            assertThat(trainer.columns())
                    .containsExactly("epoch", "loss", "lr", "grad_norm", "seconds", "validation_loss")
                    .containsAll(Trainer.row(r.steps.getFirst()).keySet())
                    .containsAll(Trainer.validationRow(r.validations.getFirst()).keySet());
        }
    }

    @Test
    void aCheckpointIsOfAStepWithAllThatItOwes() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            Recorder whole = run(codes, options(9, 1), new RunOptions(folder.resolve("whole"), 3, 1, 3, 0, 3));
            RunOptions run = new RunOptions(folder.resolve("run"), 3, 1, 3, 0, 3);
            Recorder killed = new Recorder() {
                @Override
                public void onCheckpoint(int step, Path checkpoint) {
                    super.onCheckpoint(step, checkpoint);
                    if (step == 6) {
                        throw new IllegalStateException("killed");
                    }
                }
            };
            assertThatThrownBy(TinyRuns.lm(codes, options(9, 1), run, killed)::run).hasMessage("killed");
            Recorder rest = new Recorder();
            LmTrainer resumed = TinyRuns.lm(codes, options(9, 1), run, rest);
            resumed.resume(RunFolder.latest(run.folder()).orElseThrow());
            assertThat(resumed.run()).isTrue();
            List<String> events = new ArrayList<>(killed.events);
            events.addAll(rest.events.subList(1, rest.events.size())); // without its start
            assertThat(events).isEqualTo(whole.events);
            List<Map<String, Double>> validations = new ArrayList<>(killed.validations);
            validations.addAll(rest.validations);
            assertThat(validations).isEqualTo(whole.validations);
        }
    }

    @Test
    void aSampleThatFailsLosesNoStep() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            RunOptions run = new RunOptions(folder.resolve("run"), 3, 1, 0, 0, 3);
            Recorder failing = new Recorder() {
                @Override
                public void onSample(int step) {
                    if (step == 6) {
                        throw new IllegalStateException("no sample");
                    }
                }
            };
            assertThatThrownBy(TinyRuns.lm(codes, options(9, 1), run, failing)::run).hasMessage("no sample");
            assertThat(RunFolder.latest(run.folder()).orElseThrow()).hasFileName("step-00000006");
        }
    }

    @Test
    void resumedRunHasBitwiseTheLossesOfAnUnbrokenOne() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            Recorder whole = run(codes, options(12, 2), RunOptions.NONE);
            RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 12, 0, 0);
            Recorder first = new Recorder();
            LmTrainer stopped = TinyRuns.lm(codes, options(12, 2), run, first);
            first.stopAfter = stopped;
            first.stopStep = 5;
            assertThat(stopped.run()).isFalse();
            assertThat(first.events).endsWith("checkpoint 5");

            Recorder second = new Recorder();
            LmTrainer resumed = TinyRuns.lm(codes, options(12, 2), run, second);
            resumed.resume(RunFolder.latest(run.folder()).orElseThrow());
            assertThat(resumed.step()).isEqualTo(5);
            assertThat(resumed.run()).isTrue();
            assertThat(first.losses()).isEqualTo(whole.losses().subList(0, 5));
            assertThat(second.losses()).isEqualTo(whole.losses().subList(5, 12));
            assertThat(second.steps.getLast().gradNorm())
                    .isEqualTo(whole.steps.getLast().gradNorm());
        }
    }

    @Test
    void aRunWithCheckpointedBlocksIsTheSameRunAndCanBeContinuedWithout() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            LmOptions o = options(6, 1);
            LmOptions checkpointed = new LmOptions(o.recipe(), o.labelDropout(), o.heldOut(), true);
            RunOptions run = new RunOptions(folder.resolve("run"), 3, 3, 0, 0, 0);
            assertThat(run(codes, checkpointed, run).losses()).isEqualTo(run(codes, o, RunOptions.NONE).losses());
            TinyRuns.lm(codes, o, RunOptions.NONE, new Recorder()).resume(RunFolder.latest(run.folder()).orElseThrow());
        }
    }

    @Test
    void lossesDoNotDependOnTheThreads() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            Recorder one = new Recorder();
            Recorder three = new Recorder();
            String name = TinyRuns.BACKEND.name();
            TinyRuns.lm(Backends.open(name, 1), codes, options(4, 1), RunOptions.NONE, one).run();
            TinyRuns.lm(Backends.open(name, 3), codes, options(4, 1), RunOptions.NONE, three).run();
            assertThat(one.losses()).isEqualTo(three.losses());
        }
    }

    @Test
    void resumingAnotherRunNamesTheDifferences() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1);
                TokenDataset others = TinyRuns.codes(folder.resolve("others"), 38, 2)) {
            RunOptions run = new RunOptions(folder.resolve("run"), 1, 1, 0, 0, 0);
            run(codes, options(2, 1), run);
            Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
            assertThatThrownBy(() -> TinyRuns.lm(codes, options(3, 2), run, new Recorder()).resume(checkpoint))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("training.accumulation: 1 in the checkpoint, 2 asked for")
                    .hasMessageContaining("training.schedule.totalSteps: 2 in the checkpoint, 3 asked for");
            assertThatThrownBy(() -> TinyRuns.lm(others, options(2, 1), run, new Recorder()).resume(checkpoint))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("data: ");
        }
    }

    @Test
    void aBalancedRunIsContinuedBitwiseAndNotAsAShuffledOne() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            TrainRecipe r = TinyRuns.recipe(6, 4, 1, 3e-3);
            TrainRecipe balanced = new TrainRecipe(
                    r.batch(), r.accumulation(), r.seed(), r.optimizer(), r.schedule(), r.emaDecay(),
                    Sampling.BALANCED);
            LmOptions options = new LmOptions(balanced, 0.1, 0, false);
            RunOptions run = new RunOptions(folder.resolve("run"), 3, 3, 0, 0, 0);
            Recorder whole = run(codes, options, run);
            Path middle = folder.resolve("run").resolve("step-00000003");
            Recorder rest = new Recorder();
            LmTrainer resumed = TinyRuns.lm(codes, options, RunOptions.NONE, rest);
            resumed.resume(middle);
            resumed.run();
            assertThat(rest.losses()).isEqualTo(whole.losses().subList(3, 6));
            LmOptions shuffled = new LmOptions(r, 0.1, 0, false);
            assertThat(run(codes, shuffled, RunOptions.NONE).losses()).isNotEqualTo(whole.losses());
            assertThatThrownBy(() -> TinyRuns.lm(codes, shuffled, RunOptions.NONE, new Recorder()).resume(middle))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("sampling: \"BALANCED\" in the checkpoint, none asked for");
        }
    }

    /** A set with three crops of each picture: the codes as they are, one further and two further. */
    private record ThreeCrops(TokenDataset codes, List<Integer> drawn) implements CodeSource {
        @Override
        public TokenDatasetInfo info() {
            return codes.info();
        }

        @Override
        public int size() {
            return codes.size();
        }

        @Override
        public int crops() {
            return 3;
        }

        @Override
        public int label(int index) {
            return codes.label(index);
        }

        @Override
        public void read(int index, int crop, int[] out, int offset) {
            codes.read(index, out, offset);
            for (int i = offset; i < offset + length(); i++) {
                out[i] = (out[i] + crop) % TinyRuns.VOCAB;
            }
            drawn.add(crop);
        }

        @Override
        public String fingerprint() {
            return "three crops";
        }

        @Override
        public void close() {
            // the test closes the codes
        }
    }

    @Test
    void cropsAreDrawnEvenlyAndTheSameOnesAfterResuming() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            LmOptions o = new LmOptions(TinyRuns.recipe(60, 4, 1, 3e-3), 0.1, 0, false);
            Recorder whole = new Recorder();
            List<Integer> drawn = new ArrayList<>();
            new LmTrainer(
                    TinyRuns.lmModel(TinyRuns.BACKEND), new ThreeCrops(codes, drawn), null, o,
                    new RunOptions(folder.resolve("run"), 55, 3, 0, 0, 0), whole).run();
            for (int crop = 0; crop < 3; crop++) {
                assertThat(Collections.frequency(drawn, crop)).isBetween(50, 110); // 80 +- 4 sigma
            }
            Recorder rest = new Recorder();
            List<Integer> again = new ArrayList<>();
            LmTrainer resumed = new LmTrainer(
                    TinyRuns.lmModel(TinyRuns.BACKEND), new ThreeCrops(codes, again), null, o, RunOptions.NONE, rest);
            resumed.resume(folder.resolve("run").resolve("step-00000055"));
            resumed.run();
            assertThat(rest.losses()).isEqualTo(whole.losses().subList(55, 60));
            assertThat(again).isEqualTo(drawn.subList(220, 240));
        }
    }

    @Test
    void accumulationGivesTheStepOfTheWholeBatch() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            LmOptions whole = new LmOptions(TinyRuns.recipe(1, 4, 1, 3e-3), 0, 0, false);
            LmOptions parts = new LmOptions(TinyRuns.recipe(1, 4, 4, 3e-3), 0, 0, false);
            TrainMetrics a = run(codes, whole, RunOptions.NONE).steps.getFirst();
            TrainMetrics b = run(codes, parts, RunOptions.NONE).steps.getFirst();
            // dropout masks differ between the two, so only about
            assertThat(b.loss()).isCloseTo(a.loss(), withPercentage(10));
            assertThat(b.gradNorm()).isCloseTo(a.gradNorm(), withPercentage(40));
        }
    }

    @Test
    void checkpointHoldsThePublishedNames() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            run(codes, options(1, 1), new RunOptions(folder.resolve("run"), 1, 1, 0, 0, 0));
            Path checkpoint = RunFolder.latest(folder.resolve("run")).orElseThrow();
            try (ModelFolder folder = ModelFolder.open(checkpoint)) {
                assertThat(folder.hasModel()).isTrue();
                assertThat(folder.info().classNames()).containsExactly("a", "b", "c");
            }
            assertThat(RunFolder.weights(checkpoint)).hasFileName("ema.safetensors");
            assertThat(Files.exists(checkpoint.resolve(RunFolder.TASK))).isFalse();
            try (TensorSource model = SafeTensors.open(checkpoint.resolve(RunFolder.MODEL));
                    TensorSource ema = SafeTensors.open(checkpoint.resolve(RunFolder.EMA))) {
                assertThat(model.names()).contains("mamba.backbone.layers.1.mixer.A_log");
                assertThat(model.metadata())
                        .isEqualTo(Map.of(
                                "mamba.lm_head.weight", "mamba.backbone.embeddings.word_embeddings.weight",
                                "format", "pt"));
                assertThat(ema.names()).isEqualTo(model.names());
            }
        }
    }

    @Test
    void aCheckpointKeepsTheDefaultsAndTheRecipeOfTheModel() {
        ModelInfo info = new ModelInfo(
                List.of("a", "b", "c"), PositionRule.SEQUENCE_INDEX, new Guidance(1.5f, 2), SamplingOptions.PLAIN,
                Recipe.text("made by a test"));
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            AimModel model = TinyRuns.lmModel(TinyRuns.BACKEND);
            RunOptions run = new RunOptions(folder.resolve("run"), 1, 1, 0, 0, 0);
            new LmTrainer(model, codes, null, options(1, 1), info, run, Workers.ALONE, new Recorder()).run();
            try (ModelFolder written = ModelFolder.open(RunFolder.latest(run.folder()).orElseThrow())) {
                assertThat(written.info()).isEqualTo(info);
            }
            ModelInfo other = ModelInfo.of(List.of(), PositionRule.PUBLISHED_TRAINING, Recipe.NONE);
            assertThatThrownBy(() -> new LmTrainer(
                    model, codes, null, options(1, 1), other, run, Workers.ALONE, new Recorder()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("positions: PUBLISHED_TRAINING");
        }
    }

    @Test
    void aLoadedModelCanBeTrainedFurtherSavedAndLoadedAgain() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            RunOptions first = new RunOptions(folder.resolve("first"), 2, 1, 0, 0, 0);
            run(codes, options(2, 1), first);
            AimModel model;
            try (ModelFolder loaded = ModelFolder.open(RunFolder.latest(first.folder()).orElseThrow())) {
                AimModel frozen = loaded.readFrozenModel(TinyRuns.BACKEND, null);
                assertThatThrownBy(() -> new LmTrainer(
                        frozen, codes, null, options(2, 1), RunOptions.NONE, new Recorder()))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageMatching("model: mamba\\..* is held to generate with and wants no gradient"
                                + " \\(expected a model read to be trained: ModelFolder.readModel\\)");
                model = loaded.readModel(TinyRuns.BACKEND);
            }
            String name = "mamba.backbone.layers.0.mixer.in_proj.weight";
            float[] before = model.params().all().get(name).toFloats();
            RunOptions second = new RunOptions(folder.resolve("second"), 2, 1, 0, 0, 0);
            Recorder recorder = new Recorder();
            new LmTrainer(model, codes, null, options(2, 1), second, recorder).run();
            assertThat(recorder.losses()).hasSize(2);
            float[] after = model.params().all().get(name).toFloats();
            assertThat(after).isNotEqualTo(before);
            try (ModelFolder again = ModelFolder.open(RunFolder.latest(second.folder()).orElseThrow())) {
                assertThat(again.readModel(TinyRuns.BACKEND).params().all().get(name).toFloats()).isEqualTo(after);
            }
        }
    }

    @Test
    void modelMustFitTheCodes() {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 5, 1)) {
            assertThatThrownBy(() -> TinyRuns.lm(codes, options(1, 1), RunOptions.NONE, new Recorder()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("heldOut: 6");
        }
    }
}
