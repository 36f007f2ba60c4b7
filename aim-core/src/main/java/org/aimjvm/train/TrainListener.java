package org.aimjvm.train;

import java.nio.file.Path;
import java.util.Map;

/**
 * Told what a training run does, on the thread that trains: progress bars, CSV files, plots, sample pictures.
 * Exceptions end the run. Every method does nothing unless overridden.
 */
public interface TrainListener {

    /**
     * Before the first step.
     *
     * @param firstStep steps already made: 0, or those of the checkpoint that is continued
     * @param totalSteps steps at the end
     * @param stepsPerEpoch steps in one pass over the data
     * @param examplesPerStep pictures in a step's batch
     */
    default void onStart(int firstStep, int totalSteps, int stepsPerEpoch, int examplesPerStep) {}

    /** After every step. */
    default void onStep(TrainMetrics metrics) {}

    /** After validation, with the averaged parameters if the run keeps them. */
    default void onValidation(int step, Map<String, Double> measures) {}

    /**
     * Time for sample pictures. The trained model holds the averaged parameters, if the run keeps them, during the
     * call, and an inference scope is open.
     */
    default void onSample(int step) {}

    /** After the last step of an epoch, counted from 0. */
    default void onEpoch(int epoch) {}

    /** After a checkpoint has been written. */
    default void onCheckpoint(int step, Path folder) {}
}
