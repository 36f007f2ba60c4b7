package org.aimjvm.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.aimjvm.backend.OutOfDeviceMemoryException;
import org.aimjvm.data.EpochSampler;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.NamedTensors;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.DivergenceException;
import org.aimjvm.optim.Ema;
import org.aimjvm.optim.GradientAccumulator;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;

/**
 * The training loop of all stages: batches, gradient accumulation, clipping, AdamW, schedule, averaging, validation, samples,
 * checkpoints.
 *
 * <p>All state between steps is the parameters, the moments, the averages, the stage's own state and the step number, and all
 * of it is saved in F32; everything else is a pure function of seed and step. So a resumed run has bitwise the losses of an
 * unbroken one.
 */
final class TrainLoop {
    private record Recipe(TrainRecipe training, Object stage) {}

    private final TrainTask task;
    private final TrainRecipe recipe;
    private final RunOptions run;
    private final TrainListener listener;
    private final EpochSampler sampler;
    private final AdamW optimizer;
    private final GradientAccumulator accumulator;
    private final Ema ema;
    private int step;
    private volatile boolean stopped;

    TrainLoop(TrainTask task, TrainRecipe recipe, RunOptions run, TrainListener listener) {
        this.task = task;
        this.recipe = recipe;
        this.run = run;
        this.listener = listener;
        this.sampler = new EpochSampler(task.size(), recipe.batch(), recipe.seed());
        this.optimizer = new AdamW(task.params(), recipe.optimizer());
        this.accumulator = new GradientAccumulator(task.params());
        this.ema = recipe.emaDecay() > 0 ? new Ema(task.params(), recipe.emaDecay()) : null;
    }

    /** Asks the run to end after the step under way, with a checkpoint. Safe from any thread. */
    void stop() {
        stopped = true;
    }

    /** Steps made. */
    int step() {
        return step;
    }

    /** Trains to the last step of the recipe, or until {@link #stop}. Returns whether it got to the end. */
    boolean run() {
        listener.onStart(step, recipe.steps(), sampler.stepsPerEpoch(), recipe.batch());
        try (Scope _ = Scope.inference()) {
            int saved = step;
            while (step < recipe.steps() && !stopped) {
                listener.onStep(oneStep());
                boolean end = step == recipe.steps();
                if (step % sampler.stepsPerEpoch() == 0) {
                    listener.onEpoch(step / sampler.stepsPerEpoch() - 1);
                }
                if (due(run.checkpointEvery(), end)) {
                    save();
                    saved = step;
                }
                if (due(run.validateEvery(), end)) {
                    evaluate(() -> listener.onValidation(step, task.validate(run.validatePictures())));
                }
                if (due(run.sampleEvery(), end)) {
                    evaluate(() -> listener.onSample(step));
                }
            }
            if (saved != step) {
                save();
            }
        }
        return step == recipe.steps();
    }

    private boolean due(int interval, boolean end) {
        return interval > 0 && (end || step % interval == 0);
    }

    private TrainMetrics oneStep() {
        long start = System.nanoTime();
        int[] pictures = sampler.indices(step);
        double lr = recipe.optimizer().lr() * recipe.schedule().factor(step);
        double loss = 0;
        double norm = 0;
        Map<String, Double> parts = new LinkedHashMap<>();
        for (int pass = 0; pass < recipe.accumulation(); pass++) {
            int first = pass * recipe.microBatch();
            long before = optimizer.bytesInUse();
            try (Scope _ = Scope.training()) {
                TrainTask.Loss l =
                        task.loss(step, Arrays.copyOfRange(pictures, first, first + recipe.microBatch()), first);
                loss += finite(l.loss().item()) / recipe.accumulation();
                l.parts().forEach((name, value) -> parts.merge(name, value / recipe.accumulation(), Double::sum));
                Gradients gradients = l.loss().backward();
                if (recipe.accumulation() == 1) {
                    norm = optimizer.step(gradients, lr);
                } else {
                    accumulator.add(gradients);
                }
            } catch (OutOfDeviceMemoryException e) {
                throw e.forBatch(recipe.microBatch(), before);
            }
        }
        if (recipe.accumulation() > 1) {
            norm = optimizer.step(accumulator.sums(), lr, 1.0 / recipe.accumulation());
            accumulator.clear();
        }
        try (Scope _ = Scope.inference()) {
            task.afterStep(step, optimizer, ema);
        }
        if (ema != null) {
            ema.update();
        }
        int epoch = sampler.epoch(step);
        step++;
        return new TrainMetrics(step, epoch, loss, parts, lr, norm, (System.nanoTime() - start) * 1e-9);
    }

    private float finite(float loss) {
        if (!Float.isFinite(loss)) {
            throw new DivergenceException("loss: " + loss + " in step " + (step + 1)
                    + ", expected a finite number (lower the learning rate, or warm up longer)");
        }
        return loss;
    }

    /** Runs {@code body} in a scope of its own with the averaged parameters in place, if there are any. */
    void evaluate(Runnable body) {
        try (Scope _ = Scope.inference()) {
            if (ema == null) {
                body.run();
                return;
            }
            try (Ema.Swapped _ = ema.swap()) {
                body.run();
            }
        }
    }

    private TrainerState state() {
        return TrainerState.of(task.stage(), step, task.data(), new Recipe(recipe, task.settings()));
    }

    private void save() {
        if (run.folder() == null) {
            return;
        }
        Path folder = new RunFolder(run.folder(), run.keepCheckpoints()).save(step, temp -> {
            task.writeModel(temp);
            SafeTensorsWriter moments = new SafeTensorsWriter();
            optimizer.save(moments);
            moments.write(temp.resolve(RunFolder.OPTIMIZER));
            if (ema != null) {
                SafeTensorsWriter averages = new SafeTensorsWriter();
                ema.save(averages);
                averages.write(temp.resolve(RunFolder.EMA));
            }
            SafeTensorsWriter rest = new SafeTensorsWriter();
            if (task.saveState(rest)) {
                rest.write(temp.resolve(RunFolder.TASK));
            }
            state().write(temp);
        });
        listener.onCheckpoint(step, folder);
    }

    /**
     * Continues from a checkpoint.
     *
     * @throws CheckpointException if it is damaged, or of a run with other settings or data: names what differs
     */
    void resume(Path checkpoint) {
        TrainerState there = TrainerState.read(checkpoint);
        there.requireContinuable(checkpoint, state());
        try (TensorSource file = SafeTensors.open(checkpoint.resolve(RunFolder.MODEL))) {
            NamedTensors.load(file, task.tensors());
        }
        try (TensorSource file = SafeTensors.open(checkpoint.resolve(RunFolder.OPTIMIZER))) {
            optimizer.load(file);
        }
        if (ema != null) {
            try (TensorSource file = SafeTensors.open(checkpoint.resolve(RunFolder.EMA))) {
                ema.load(file);
            }
        }
        Path rest = checkpoint.resolve(RunFolder.TASK);
        if (Files.exists(rest)) {
            try (TensorSource file = SafeTensors.open(rest)) {
                task.loadState(file);
            }
        }
        if (optimizer.steps() != there.step()) {
            throw new CheckpointException(checkpoint, null, "optimiser after " + optimizer.steps() + " steps, expected "
                    + there.step() + " (are the files of one checkpoint?)");
        }
        step = there.step();
    }
}
