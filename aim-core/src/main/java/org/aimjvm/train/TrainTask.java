package org.aimjvm.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;

/**
 * A task of training: what is trained, on what, and by which losses; the rest is {@link Trainer}'s: batches,
 * read-ahead, accumulation, clipping, optimisers, averages, checkpoints, resuming. Write one to train something of your
 * own, and give it to a {@link Trainer}.
 *
 * <p>A resumed run has bitwise the losses of an unbroken one if {@link #read} and the losses are pure functions of
 * their arguments and the parameters, and {@link #saveState} saves whatever else they depend on.
 *
 * @param <B> what a pass is computed from, as the host holds it: arrays, not tensors
 */
public interface TrainTask<B> {

    /** Name of the kind of training, kept in checkpoints. */
    String stage();

    /** Everything beside {@link TrainRecipe} that decides the numbers, as a value that Jackson writes as an object. */
    Object settings();

    /** What the model began from, {@code null} if that was random weights; a run is continued with the same alone. */
    default Origin origin() {
        return null;
    }

    /** Fingerprint of the training data, so that a run is not continued with others. */
    String data();

    /** Number of training examples; batches hold indices below it. */
    int size();

    /**
     * Class of each training example, from 0; asked for only by a run of {@link org.aimjvm.data.Sampling#BALANCED}.
     *
     * @throws UnsupportedOperationException if the examples have none
     */
    default int[] labels() {
        throw new UnsupportedOperationException("sampling: balanced, but examples of " + stage()
                + " have no classes (expected shuffled)");
    }

    /**
     * Who is trained, in the order in which they compute their losses and are updated; always the same. The first is
     * the model: its tensors are what {@link #writeModel} writes. All losses of a step see the parameters as they were
     * before it.
     */
    List<Player<B>> players();

    /**
     * Reads the examples of a pass. Called ahead of time by a thread of its own, one call after another, in the order
     * of the steps: must not touch parameters, backends or anything that the losses change.
     */
    B read(MicroBatch rows);

    /**
     * Writes {@value RunFolder#MODEL} with all tensors of the first player, and what is needed to load it, into a
     * folder.
     */
    void writeModel(Path folder);

    /** Names of the parts of the losses, in the order of a table's columns. */
    default List<String> partNames() {
        return List.of();
    }

    /** Names of what {@link #validate} measures, in order. */
    default List<String> measureNames() {
        return List.of();
    }

    /** Called when all parameters have been updated; an inference scope is open. */
    default void afterStep(AfterStep step) {
        // most tasks change nothing but what is optimised
    }

    /**
     * Measures on examples that are not trained on, with the averaged parameters if the recipe keeps them; an inference
     * scope is open.
     *
     * @param most examples to use, 0 for all
     * @return by name, empty if there are no such examples
     */
    default Map<String, Double> validate(int most) {
        return Map.of();
    }

    /**
     * Whether the model is as good as it should be; while it is not, no checkpoint is removed to make room for newer
     * ones.
     */
    default boolean isHealthy() {
        return true;
    }

    /**
     * Adds what losses or {@link #afterStep} remember between steps; returns whether there is anything, which is the
     * same throughout a run.
     */
    default boolean saveState(SafeTensorsWriter file) {
        return false;
    }

    /**
     * Restores what {@link #saveState} added.
     *
     * @throws org.aimjvm.io.CheckpointException if it cannot have been written by a run like this
     */
    default void loadState(TensorSource file) {
        // called only if there is something to save
    }
}
