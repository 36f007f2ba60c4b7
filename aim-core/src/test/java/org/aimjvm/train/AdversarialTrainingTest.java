package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.ArrayPictures;
import org.aimjvm.data.PictureSource;
import org.aimjvm.feature.Lpips;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.DivergenceException;
import org.aimjvm.train.TinyRuns.Recorder;
import org.aimjvm.vq.AdversarialLoss;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Stage 1 with a discriminator and a perceptual distance. */
class AdversarialTrainingTest {
    private static final int SIDE = 16;
    private static final int STEPS = 9;

    @TempDir Path folder;

    /** Colour pictures with a bright bar at a place that depends on the class. */
    private static PictureSource bars(int count) {
        float[] pixels = new float[count * 3 * SIDE * SIDE];
        int[] labels = new int[count];
        for (int n = 0; n < count; n++) {
            labels[n] = n % 2;
            for (int i = 0; i < 3 * SIDE * SIDE; i++) {
                int column = i % SIDE;
                boolean bar = column / 4 == (n + labels[n]) % 4;
                pixels[n * 3 * SIDE * SIDE + i] = bar ? 0.8f - 0.3f * (i / SIDE / SIDE) : -0.7f;
            }
        }
        return new ArrayPictures(3, SIDE, SIDE, List.of("left", "right"), labels, pixels);
    }

    private static VqModel model(Backend backend) {
        VqConfig config = VqConfig.builder().ch(8).chMult(List.of(1, 2)).numResBlocks(1).zChannels(8).nEmbed(16)
                .embedDim(4).channels(3, 3).normGroups(4).build();
        return new VqModel(Params.random(backend, 3).sub(VqModel.NAME), config);
    }

    private static AdversarialOptions everything() {
        return new AdversarialOptions(
                AdversarialLoss.NON_SATURATING, 0.3, 1, 2, true, 8, 2,
                new AdamWOptions(2e-3, 0.5, 0.9, 1e-8, 0, AdamWOptions.DecayRule.NONE, 1), 0.05,
                EnumSet.allOf(DiffAugment.Kind.class), 4);
    }

    private static VqOptions options(int accumulation, AdversarialOptions adversarial, Backend backend) {
        return VqOptions.builder(TinyRuns.recipe(STEPS, 8, accumulation, 3e-3)).reviveAfter(3)
                .adversarial(adversarial)
                .perceptual(new PerceptualTerm(Lpips.random(backend, 4, 7), 0.5, 2))
                .build();
    }

    private static VqTrainer trainer(VqOptions options, RunOptions run, Workers workers, Backend backend, Recorder r) {
        return new VqTrainer(model(backend), bars(40), null, options, null, run, workers, r);
    }

    private static Recorder run(VqOptions options, Backend backend) {
        Recorder r = new Recorder();
        trainer(options, RunOptions.NONE, Workers.ALONE, backend, r).run();
        return r;
    }

    private static Backend backend(int threads) {
        return Backends.open(TinyRuns.BACKEND.name(), threads);
    }

    @Test
    void partsJoinAtTheirStepsAndAddUp() {
        Backend backend = backend(1);
        Recorder r = run(options(1, everything(), backend), backend);
        assertThat(r.steps.get(0).parts()).doesNotContainKeys("discriminator_loss", "perceptual", "adversarial");
        assertThat(r.steps.get(1).parts()).containsKeys("discriminator_loss", "logits_real", "lecam")
                .doesNotContainKey("adversarial");
        assertThat(r.steps.get(2).parts()).containsKey("perceptual").doesNotContainKey("adversarial");
        Map<String, Double> all = r.steps.getLast().parts();
        assertThat(all).containsKeys("adversarial", "adaptive_weight", "perceptual", "logits_fake");
        double sum = all.get("reconstruction") + all.get("codebook") + all.get("commitment")
                + 0.5 * all.get("perceptual") + 0.3 * all.get("adaptive_weight") * all.get("adversarial");
        assertThat(r.steps.getLast().loss()).isCloseTo(sum, offset(1e-5));
    }

    @Test
    void resumedRunHasBitwiseTheLossesOfAnUnbrokenOne() {
        Backend backend = backend(1);
        VqOptions options = options(2, everything(), backend);
        Recorder whole = run(options, backend);
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        Recorder first = new Recorder();
        VqTrainer stopped = trainer(options, run, Workers.ALONE, backend, first);
        first.stopAfter = stopped;
        first.stopStep = 5;
        assertThat(stopped.run()).isFalse();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        assertThat(checkpoint.resolve("player-discriminator.safetensors")).exists();
        assertThat(checkpoint.resolve("optimizer-discriminator.safetensors")).exists();
        Recorder second = new Recorder();
        VqTrainer resumed = trainer(options, run, Workers.ALONE, backend, second);
        resumed.resume(checkpoint);
        assertThat(resumed.run()).isTrue();
        assertThat(second.losses()).isEqualTo(whole.losses().subList(5, STEPS));
        assertThat(second.steps.getLast().parts()).isEqualTo(whole.steps.getLast().parts());
    }

    @Test
    void checkpointsHoldTheRunningStatistics() {
        Backend backend = backend(1);
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        trainer(options(1, everything(), backend), run, Workers.ALONE, backend, new Recorder()).run();
        Path file = RunFolder.latest(run.folder()).orElseThrow().resolve("player-discriminator.safetensors");
        try (TensorSource tensors = SafeTensors.open(file)) {
            // real and fake in each of 8 steps, and the tokenizer's pass in the 6 in which it counts
            assertThat(tensors.readFloats("main.3.num_batches_tracked")).containsExactly(2 * 8 + 6);
            assertThat(tensors.readFloats("main.3.running_mean")).isNotEqualTo(new float[16]);
        }
    }

    @Test
    void aCheckpointThatLacksAFileIsRefusedByTheFilesName() throws IOException {
        Backend backend = backend(1);
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        VqOptions options = options(1, everything(), backend);
        trainer(options, run, Workers.ALONE, backend, new Recorder()).run();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        for (String name : List.of("model.safetensors", "optimizer.safetensors", "ema.safetensors",
                "player-discriminator.safetensors", "optimizer-discriminator.safetensors", "task.safetensors")) {
            Path file = checkpoint.resolve(name);
            Path away = Files.move(file, folder.resolve(name));
            VqTrainer trainer = trainer(options, run, Workers.ALONE, backend, new Recorder());
            assertThatThrownBy(() -> trainer.resume(checkpoint)).isInstanceOf(CheckpointException.class)
                    .hasMessage(file + ": no such file, which checkpoints of this run have (bring it back, or remove "
                            + checkpoint + ": the run then goes on from the checkpoint before)");
            Files.move(away, file);
        }
        trainer(options, run, Workers.ALONE, backend, new Recorder()).resume(checkpoint);
    }

    /** Values that no run can have written. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "lecam_logits|0|NaN|averages NaN and ",
        "lecam_logits|1|Infinity|Infinity, expected finite numbers",
        "reconstruction_watch|2|-1|average -1.0",
        "reconstruction_watch|3|NaN|least NaN",
        "reconstruction_watch|0|1|4607182418800017408 steps", // the bits of 1.0
        "reconstruction_watch|1|1|4607182418800017408 of them bad",
    })
    void aStateThatCannotBeIsRefusedByItsName(String name, int at, double value, String message) {
        Backend backend = backend(1);
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        VqOptions options = options(1, everything(), backend);
        trainer(options, run, Workers.ALONE, backend, new Recorder()).run();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        SafeTensorsWriter lying = new SafeTensorsWriter();
        try (TensorSource file = SafeTensors.open(checkpoint.resolve(RunFolder.TASK))) {
            int[] lastUsed = file.readInts("last_used");
            lying.ints("last_used", DType.I32, Shape.of(lastUsed.length), () -> lastUsed);
            for (String each : List.of("lecam_logits", "reconstruction_watch")) {
                long[] bits = file.readLongs(each);
                if (each.equals(name)) {
                    bits[at] = Double.doubleToLongBits(value);
                }
                lying.longs(each, Shape.of(bits.length), () -> bits);
            }
        }
        lying.write(checkpoint.resolve(RunFolder.TASK));
        VqTrainer trainer = trainer(options, run, Workers.ALONE, backend, new Recorder());
        assertThatThrownBy(() -> trainer.resume(checkpoint)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("task.safetensors").hasMessageContaining(name).hasMessageContaining(message);
    }

    @Test
    void otherSettingsAreNotContinued() {
        Backend backend = backend(1);
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        trainer(options(1, everything(), backend), run, Workers.ALONE, backend, new Recorder()).run();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        VqOptions other = VqOptions.builder(TinyRuns.recipe(STEPS, 8, 1, 3e-3)).reviveAfter(3)
                .adversarial(everything())
                .perceptual(new PerceptualTerm(Lpips.random(backend, 4, 8), 0.5, 2)).build();
        VqTrainer trainer = trainer(other, run, Workers.ALONE, backend, new Recorder());
        assertThatThrownBy(() -> trainer.resume(checkpoint)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("perceptual").hasMessageContaining("seed 8");
    }

    @Test
    void lossesDoNotDependOnTheThreads() {
        List<Double> one = run(options(1, everything(), backend(1)), backend(1)).losses();
        assertThat(run(options(1, everything(), backend(3)), backend(3)).losses()).isEqualTo(one);
    }

    @Test
    void discriminatorLearnsAndTheTokenizerHearsIt() {
        Backend backend = backend(1);
        VqOptions without = VqOptions.builder(TinyRuns.recipe(STEPS, 8, 1, 3e-3)).reviveAfter(3).build();
        VqOptions with = VqOptions.builder(TinyRuns.recipe(STEPS, 8, 1, 3e-3)).reviveAfter(3)
                .adversarial(new AdversarialOptions(
                        AdversarialLoss.HINGE, 0.3, 0, 3, false, 8, 2, AdamWOptions.of(2e-3), 0, Set.of(), 0))
                .build();
        List<Double> plain = run(without, backend).losses();
        Recorder r = run(with, backend);
        assertThat(r.losses().subList(0, 3)).isEqualTo(plain.subList(0, 3)); // warming up it changes nothing
        assertThat(r.losses().getLast()).isNotEqualTo(plain.getLast());
        assertThat(r.steps.getLast().parts().get("discriminator_loss"))
                .isLessThan(r.steps.getFirst().parts().get("discriminator_loss"));
    }

    @Test
    void aStartBeyondAllStepsIsNever() {
        AdversarialOptions o = everything();
        assertThat(o.countsFrom()).isEqualTo(3);
        AdversarialOptions never = new AdversarialOptions(
                o.loss(), o.weight(), Integer.MAX_VALUE, Integer.MAX_VALUE, o.adaptive(), o.width(), o.layers(),
                o.optimizer(), o.leCam(), o.augment(), o.divergence());
        assertThat(never.countsFrom()).isEqualTo(Integer.MAX_VALUE);
    }

    /** As text in a checkpoint, which another process compares with its own. */
    @Test
    void changesAreInTheirOwnOrderWhateverTheOrderGiven() {
        AdversarialOptions o = everything();
        Set<DiffAugment.Kind> given = new LinkedHashSet<>(
                List.of(DiffAugment.Kind.CUTOUT, DiffAugment.Kind.TRANSLATION, DiffAugment.Kind.COLOR));
        AdversarialOptions same = new AdversarialOptions(
                o.loss(), o.weight(), o.fromStep(), o.warmup(), o.adaptive(), o.width(), o.layers(), o.optimizer(),
                o.leCam(), given, o.divergence());
        assertThat(same).isEqualTo(o);
        assertThat(same.augment()).containsExactly(DiffAugment.Kind.values());
        given.clear();
        assertThat(same.augment()).hasSize(3);
        assertThat(AdversarialOptions.of(1e-3).augment()).isEmpty();
    }

    @Test
    void optionsOutOfRangeAreRefused() {
        AdversarialOptions o = everything();
        for (double bad : new double[] {-0.1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> new AdversarialOptions(
                    o.loss(), bad, 0, 0, false, 8, 2, o.optimizer(), 0, Set.of(), 4))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("weight: " + bad + " (expected a finite number from 0)");
            assertThatThrownBy(() -> new AdversarialOptions(
                    o.loss(), 1, 0, 0, false, 8, 2, o.optimizer(), bad, Set.of(), 4))
                    .hasMessage("leCam: " + bad + " (expected a finite number from 0)");
            assertThatThrownBy(() -> new AdversarialOptions(
                    o.loss(), 1, 0, 0, false, 8, 2, o.optimizer(), 0, Set.of(), bad))
                    .hasMessage("divergence: " + bad + " (expected a number above 1, or 0 for never)");
        }
        assertThatThrownBy(() -> new AdversarialOptions(
                o.loss(), 1, -1, 0, false, 8, 2, o.optimizer(), 0, Set.of(), 4)).hasMessageContaining("fromStep: -1");
        assertThatThrownBy(() -> new AdversarialOptions(
                o.loss(), 1, 0, -1, false, 8, 2, o.optimizer(), 0, Set.of(), 4)).hasMessageContaining("warmup: -1");
    }

    @Test
    void picturesThatAreTooSmallAreRefusedBeforeWork() {
        Backend backend = backend(1);
        AdversarialOptions deep = AdversarialOptions.of(1e-3);
        assertThatThrownBy(() -> run(options(1, deep, backend), backend)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("discriminator: pictures of 16 x 16 (expected at least 24 for 3 layers; take fewer)");
    }

    @Test
    void reconstructionsThatGetWorseForLongEndTheRun() {
        ReconstructionWatch watch = new ReconstructionWatch(4);
        for (int step = 0; step < 100; step++) {
            watch.see(step, 0.1);
        }
        int step = 100;
        while (watch.isGood()) {
            watch.see(step++, 1);
        }
        for (int bad = 1; bad < AdversarialOptions.PATIENCE - 1; bad++) {
            watch.see(step++, 1);
        }
        int last = step;
        assertThatThrownBy(() -> watch.see(last, 1)).isInstanceOfSatisfying(
                DivergenceException.class,
                e -> assertThat(e.badSteps()).isEqualTo(AdversarialOptions.PATIENCE))
                .hasMessageContaining("the discriminator wins")
                .hasMessageContaining("4.0 times its least, 0.1");
    }
}
