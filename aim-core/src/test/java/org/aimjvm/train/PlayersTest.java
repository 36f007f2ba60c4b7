package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.nn.Init;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.optim.NamedTensors;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.TinyRuns.Recorder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A task written by a user, in which two players work against each other. */
class PlayersTest {
    private static final int STEPS = 8;

    @TempDir Path dir;

    /** A maker's number w should come near the examples', which a judge's number v pulls it away from. */
    private static final class Duel implements TrainTask<float[]> {
        private final Params params = Params.random(TinyRuns.BACKEND, 1);
        private final Tensor w = params.sub("maker").get("w", Shape.of(2), Init.ones());
        private final Tensor v = params.sub("judge").get("v", Shape.of(2), Init.ones());
        private final Tensor seen = params.sub("judge").buffer("seen", Shape.of(1), Init.zeros());
        private final TrainRecipe recipe;
        private final List<String> log = new ArrayList<>();
        private Tensor made; // by the maker in this pass, for the judge

        Duel(int accumulation) {
            this.recipe = TinyRuns.recipe(STEPS, 4, accumulation, 0.1);
        }

        @Override
        public String stage() {
            return "duel";
        }

        @Override
        public Object settings() {
            return Map.of("rounds", 1);
        }

        @Override
        public String data() {
            return "numbers";
        }

        @Override
        public int size() {
            return 12;
        }

        @Override
        public List<Player<float[]>> players() {
            return List.of(
                    Player.of("maker", params.sub("maker"), recipe, this::makerLoss),
                    new Player<>("judge", params.sub("judge"),
                            new AdamWOptions(0.5, 0.5, 0.9, 1e-8, 0, AdamWOptions.DecayRule.NONE, 0),
                            new LrSchedule(LrSchedule.Kind.LINEAR, 0, STEPS - 3), 3, false, this::judgeLoss));
        }

        @Override
        public float[] read(MicroBatch rows) {
            float mean = 0;
            for (int example : rows.examples()) {
                mean += example / (float) rows.size();
            }
            return new float[] {mean, rows.firstRow()};
        }

        private Player.Loss makerLoss(MicroBatch rows, float[] batch) {
            log.add("maker " + rows.step() + "." + rows.pass());
            made = ArithmeticOp.mul(w, v);
            Tensor target = Tensor.of(TinyRuns.BACKEND, Shape.of(2), batch);
            Tensor loss = ReduceOp.mean(PointwiseOp.square(ArithmeticOp.sub(made, target)));
            return new Player.Loss(loss, Map.of("mean", (double) batch[0]));
        }

        private Player.Loss judgeLoss(MicroBatch rows, float[] batch) {
            log.add("judge " + rows.step() + "." + rows.pass());
            Tensor loss = ReduceOp.mean(PointwiseOp.square(ArithmeticOp.sub(made.detach(), v)));
            return new Player.Loss(loss, Map.of());
        }

        @Override
        public void afterStep(AfterStep step) {
            seen.write(new float[] {step.step() + 1});
            assertThat(step.optimizers().get("judge").steps()).isEqualTo(Math.max(0, step.step() + 1 - 3));
        }

        @Override
        public List<String> partNames() {
            return List.of("mean");
        }

        @Override
        public void writeModel(Path folder) {
            SafeTensorsWriter file = new SafeTensorsWriter();
            params.sub("maker").all().forEach((name, t) -> NamedTensors.add(file, name, t));
            file.write(folder.resolve(RunFolder.MODEL));
        }

        TreeMap<String, float[]> values() {
            TreeMap<String, float[]> values = new TreeMap<>();
            params.all().forEach((name, t) -> values.put(name, t.toFloats()));
            return values;
        }
    }

    private static Trainer trainer(Duel duel, RunOptions run, Recorder recorder) {
        return new Trainer(duel, duel.recipe, run, recorder);
    }

    @Test
    void aPlayerJoinsInItsStepAndTrainsItsOwnParametersOnly() {
        for (int accumulation : new int[] {1, 2}) {
            Duel duel = new Duel(accumulation);
            List<float[]> judge = new ArrayList<>();
            Recorder recorder = new Recorder() {
                @Override
                public void onStep(TrainMetrics metrics) {
                    super.onStep(metrics);
                    judge.add(duel.v.toFloats());
                }
            };
            Trainer trainer = trainer(duel, RunOptions.NONE, recorder);
            assertThat(trainer.run()).isTrue();
            // the maker's loss depends on v too, but does not move it
            assertThat(judge.subList(0, 3)).allSatisfy(v -> assertThat(v).containsExactly(1, 1));
            assertThat(judge.get(3)[0]).isNotEqualTo(1);
            assertThat(duel.log).startsWith("maker 0.0").contains("maker 3.0", "judge 3.0")
                    .doesNotContain("judge 2.0");
            assertThat(duel.log.indexOf("judge 3.0")).isEqualTo(duel.log.indexOf("maker 3.0") + 1);
            assertThat(recorder.steps.get(2).parts()).containsOnlyKeys("mean");
            assertThat(recorder.steps.get(3).parts()).containsOnlyKeys("mean", "judge_loss", "judge_grad_norm");
            assertThat(trainer.columns()).containsExactly(
                    "epoch", "loss", "mean", "judge_loss", "judge_grad_norm", "lr", "grad_norm", "seconds");
        }
    }

    @Test
    void aResumedDuelIsBitwiseTheUnbrokenOne() {
        Recorder whole = new Recorder();
        Duel unbroken = new Duel(2);
        trainer(unbroken, RunOptions.NONE, whole).run();
        for (int stop : new int[] {2, 5}) { // before and after the judge joins
            RunOptions run = new RunOptions(dir.resolve("run" + stop), 0, 1, 0, 0, 0);
            Recorder first = new Recorder();
            Trainer stopped = trainer(new Duel(2), run, first);
            first.stopAfter = stopped;
            first.stopStep = stop;
            assertThat(stopped.run()).isFalse();
            Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
            assertThat(checkpoint)
                    .isDirectoryContaining("glob:**/{optimizer,optimizer-judge,player-judge}.safetensors");
            Duel duel = new Duel(2);
            Recorder second = new Recorder();
            Trainer resumed = trainer(duel, run, second);
            resumed.resume(checkpoint);
            assertThat(resumed.run()).isTrue();
            assertThat(second.losses()).isEqualTo(whole.losses().subList(stop, STEPS));
            assertThat(second.steps.getLast().parts()).isEqualTo(whole.steps.getLast().parts());
            assertThat(duel.values().entrySet()).zipSatisfy(
                    unbroken.values().entrySet(), (a, b) -> assertThat(a.getValue()).isEqualTo(b.getValue()));
        }
    }

    @Test
    void playersAreChecked() {
        Params params = Params.random(TinyRuns.BACKEND, 1);
        TrainRecipe recipe = TinyRuns.recipe(2, 4, 1, 0.1);
        assertThatThrownBy(() -> Player.of("a/b", params, recipe, (rows, batch) -> null))
                .hasMessage("player: \"a/b\" (expected letters, digits and hyphens)");
        assertThatThrownBy(() -> new Player<>("a", params, recipe.optimizer(), recipe.schedule(), -1, true,
                (rows, batch) -> null))
                .hasMessageStartingWith("firstStep: -1");
    }
}
