package org.aimjvm.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.Ema;
import org.aimjvm.tensor.Tensor;

/** What a stage adds to the loop that all share ({@link TrainLoop}): the loss, and what else is saved and measured. */
interface TrainTask {

    /**
     * The loss of one pass.
     *
     * @param loss scalar, the mean over the pictures of the pass
     * @param parts terms and measures by name, each a mean over the pictures
     */
    record Loss(Tensor loss, Map<String, Double> parts) {}

    /** Name of the stage, kept in checkpoints. */
    String stage();

    /** Everything beside {@link TrainRecipe} that decides the numbers, as a value that Jackson writes. */
    Object settings();

    /** Fingerprint of the training data. */
    String data();

    /** Number of training pictures; batches hold indices below it. */
    int size();

    /** What is trained, by name. */
    Map<String, Tensor> params();

    /** Everything that the model's file holds, by name: {@link #params} and buffers. */
    Map<String, Tensor> tensors();

    /** Names of the parts of {@link Loss}, in order. */
    List<String> partNames();

    /** Names of what {@link #validate} measures, in order; it may measure nothing. */
    List<String> measureNames();

    /**
     * The loss of some pictures, computed inside an open training scope; a pure function of parameters and arguments.
     *
     * @param step from 0
     * @param pictures indices of the pictures
     * @param firstRow place of the first of them in the step's batch
     */
    Loss loss(int step, int[] pictures, int firstRow);

    /**
     * After the parameters have been updated in {@code step}, from 0; an inference scope is open.
     *
     * @param ema the averaged parameters before their update, or {@code null} if none are kept
     */
    void afterStep(int step, AdamW optimizer, Ema ema);

    /**
     * Measures on pictures that are not trained on, empty if there are none; an inference scope is open.
     *
     * @param most pictures to use, 0 for all
     */
    Map<String, Double> validate(int most);

    /** Writes {@value RunFolder#MODEL} and the model's configuration in the published layout. */
    void writeModel(Path folder);

    /** Adds what {@link #loss} or {@link #afterStep} remember between steps; false if that is nothing. */
    boolean saveState(SafeTensorsWriter file);

    /** Restores what {@link #saveState} added. */
    void loadState(TensorSource file);
}
