package org.aimjvm.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorSource;
import org.aimjvm.optim.DivergenceException;

/**
 * A training run of a {@link TrainTask}. Those of this library have trainers of their own: {@link VqTrainer},
 * {@link LmTrainer}, {@link ClassifierTrainer}. Used from one thread, but for {@link #stop}; batches are read ahead by
 * another.
 */
public class Trainer {
    /** In front of the columns of validation measures. */
    public static final String VALIDATION = "validation_";

    private final TrainLoop<?> loop;
    private final Path folder; // null: nothing is written
    private final List<String> columns;

    /** As {@link #Trainer(TrainTask, TrainRecipe, RunOptions, Workers, TrainListener)} for one worker. */
    public <B> Trainer(TrainTask<B> task, TrainRecipe recipe, RunOptions run, TrainListener listener) {
        this(task, recipe, run, Workers.ALONE, listener);
    }

    /**
     * @param task what is trained
     * @param recipe batch, passes, seed, number of steps and averages of the run; optimisers are the players'
     * @param run what is written and when
     * @param workers this worker's place among those that train together
     * @param listener told what happens
     * @throws IllegalArgumentException if players have the same name, or the batch cannot be split so
     */
    public <B> Trainer(
            TrainTask<B> task, TrainRecipe recipe, RunOptions run, Workers workers, TrainListener listener) {
        this.loop = new TrainLoop<>(task, recipe, run, workers, listener);
        this.folder = run.folder();
        this.columns = new ArrayList<>(List.of("epoch", "loss"));
        columns.addAll(task.partNames());
        columns.addAll(loop.otherColumns());
        columns.addAll(List.of("lr", "grad_norm", "seconds"));
        task.measureNames().forEach(name -> columns.add(VALIDATION + name));
    }

    /**
     * Trains to the last step of the recipe, or until {@link #stop}, then writes a checkpoint if there is a folder for
     * them, which it takes for itself meanwhile. Interrupting the thread is the same as {@link #stop}; it is
     * interrupted on return.
     *
     * @return whether the last step was reached
     * @throws DivergenceException if the loss or the gradient is no longer finite
     * @throws CheckpointException if another run is writing to the folder
     */
    public final boolean run() {
        if (folder == null) {
            return loop.run();
        }
        try (RunLock lock = RunLock.of(folder)) {
            return run(lock);
        }
    }

    /**
     * As {@link #run()} in a folder that the caller has taken, to write to it before and after.
     *
     * @throws IllegalArgumentException if the lock is of another folder
     */
    public final boolean run(RunLock lock) {
        if (!lock.folder().equals(folder)) {
            throw new IllegalArgumentException("lock: of " + lock.folder() + " (expected one of " + folder + ")");
        }
        return loop.run();
    }

    /** Ends the run after the step under way, with a checkpoint. Safe from any thread, e.g. a shutdown hook. */
    public final void stop() {
        loop.stop();
    }

    /** Steps made so far. */
    public final int step() {
        return loop.step();
    }

    /**
     * Begins with other weights of a player, e.g. the discriminator of an earlier run. Call before {@link #run}, and
     * not for a run that is resumed.
     *
     * @param player its name, e.g. {@value VqTrainer#DISCRIMINATOR}
     * @param weights its tensors by name; statistics may be missing
     * @throws CheckpointException if they are not those of such a player; nothing is changed then
     */
    public final void begin(String player, TensorSource weights) {
        loop.begin(player, weights);
    }

    /**
     * Begins with the state of an optimiser that has made steps. Call before {@link #run}, and not for a run that is
     * resumed. The learning rate is that of the run.
     *
     * @param player whose optimiser
     * @param moments as {@link org.aimjvm.optim.AdamW#load} takes them; those of frozen tensors are left out
     * @throws CheckpointException if they are of other tensors; nothing is changed then
     */
    public final void beginOptimizer(String player, TensorSource moments) {
        loop.beginOptimizer(player, moments);
    }

    /**
     * Continues from a checkpoint of a run with the same model, recipe and data; losses are then bitwise those of a run
     * that was never interrupted. Call before {@link #run}.
     *
     * @param checkpoint folder, see {@link RunFolder#latest}
     * @throws CheckpointException if it is damaged or of another run; names every difference
     */
    public final void resume(Path checkpoint) {
        loop.resume(checkpoint);
    }

    /** Runs {@code body} with the averaged parameters in the model, if the recipe keeps them. */
    public final void withAverages(Runnable body) {
        loop.evaluate(body);
    }

    /** Columns for {@link MetricsCsv}: what {@link #row} and {@link #validationRow} fill. */
    public final List<String> columns() {
        return List.copyOf(columns);
    }

    /** Validation measures by column, each name after {@value #VALIDATION}. */
    public static Map<String, Double> validationRow(Map<String, Double> measures) {
        Map<String, Double> row = new LinkedHashMap<>();
        measures.forEach((name, value) -> row.put(VALIDATION + name, value));
        return row;
    }

    /** A step's measures by column. */
    public static Map<String, Double> row(TrainMetrics m) {
        Map<String, Double> row = new LinkedHashMap<>();
        row.put("epoch", (double) m.epoch());
        row.put("loss", m.loss());
        row.putAll(m.parts());
        row.put("lr", m.lr());
        row.put("grad_norm", m.gradNorm());
        row.put("seconds", m.seconds());
        return row;
    }
}
