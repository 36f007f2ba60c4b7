package org.aimjvm.train;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The measures of one training step.
 *
 * @param step number of steps made, this one included
 * @param epoch epoch of the step, from 0
 * @param loss what was differentiated, the mean over the batch
 * @param parts terms of the loss and other measures by name, in a fixed order
 * @param lr learning rate
 * @param gradNorm global gradient norm before clipping
 * @param seconds wall time of the step; the only field that differs between equal runs
 */
public record TrainMetrics(
        int step, int epoch, double loss, Map<String, Double> parts, double lr, double gradNorm, double seconds) {

    public TrainMetrics {
        parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
    }
}
