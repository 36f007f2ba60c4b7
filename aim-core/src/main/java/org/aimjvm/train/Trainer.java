package org.aimjvm.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.optim.DivergenceException;

/** A training run: of one of the two stages, or of the classifier that judges them. Used from one thread, but for {@link #stop}. */
public abstract sealed class Trainer permits VqTrainer, LmTrainer, ClassifierTrainer {
    /** In front of the columns of validation measures. */
    public static final String VALIDATION = "validation_";

    private final TrainLoop loop;
    private final List<String> columns;

    Trainer(TrainTask task, TrainRecipe recipe, RunOptions run, TrainListener listener) {
        this.loop = new TrainLoop(task, recipe, run, listener);
        this.columns = new ArrayList<>(List.of("epoch", "loss"));
        columns.addAll(task.partNames());
        columns.addAll(List.of("lr", "grad_norm", "seconds"));
        task.measureNames().forEach(name -> columns.add(VALIDATION + name));
    }

    /**
     * Trains to the last step of the recipe, or until {@link #stop}, then writes a checkpoint if there is a folder for them.
     *
     * @return whether the last step was reached
     * @throws DivergenceException if the loss or the gradient is no longer finite
     */
    public final boolean run() {
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
     * Continues from a checkpoint of a run with the same model, recipe and data; losses are then bitwise those of a run that was
     * never interrupted. Call before {@link #run}.
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
