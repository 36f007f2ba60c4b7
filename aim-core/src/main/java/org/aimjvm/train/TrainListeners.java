package org.aimjvm.train;

import java.nio.file.Path;
import java.util.Map;

/** Two listeners told in turn. */
record TrainListeners(TrainListener first, TrainListener second) implements TrainListener {

    @Override
    public void onStart(int firstStep, int totalSteps, int stepsPerEpoch, int examplesPerStep) {
        first.onStart(firstStep, totalSteps, stepsPerEpoch, examplesPerStep);
        second.onStart(firstStep, totalSteps, stepsPerEpoch, examplesPerStep);
    }

    @Override
    public void onStep(TrainMetrics metrics) {
        first.onStep(metrics);
        second.onStep(metrics);
    }

    @Override
    public void onValidation(int step, Map<String, Double> measures) {
        first.onValidation(step, measures);
        second.onValidation(step, measures);
    }

    @Override
    public void onSample(int step) {
        first.onSample(step);
        second.onSample(step);
    }

    @Override
    public void onEpoch(int epoch) {
        first.onEpoch(epoch);
        second.onEpoch(epoch);
    }

    @Override
    public void onCheckpoint(int step, Path folder) {
        first.onCheckpoint(step, folder);
        second.onCheckpoint(step, folder);
    }
}
